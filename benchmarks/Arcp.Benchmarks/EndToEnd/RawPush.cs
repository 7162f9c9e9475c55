namespace Arcp.Benchmarks.EndToEnd;

/// <summary>The baseline for streams: a bare WebSocket that sends prebuilt frames.</summary>
internal static class RawPush
{
    /// <summary>One send per frame.</summary>
    public const string EachSent = "/raw/push/send";

    /// <summary>Many frames per write.</summary>
    public const string ManyPerWrite = "/raw/push/flush";

    /// <summary>Opens a connection that waits for <see cref="Start"/>.</summary>
    public static RawSocketClient Open(Uri server, string path, int frames, int size, int keep = 0) =>
        RawSocketClient.Connect(server, $"{path}?{Query(frames, size, keep)}");

    /// <summary>What the server is asked for.</summary>
    public static string Query(int frames, int size, int keep = 0) => $"frames={frames}&size={size}&keep={keep}";

    public static void Start(RawSocketClient client)
    {
        client.Queue("go"u8);
        client.Flush();
    }

    /// <summary>Reads all frames.</summary>
    /// <param name="client">The connection.</param>
    /// <param name="frames">How many there are.</param>
    /// <param name="acknowledgement">What to say after as many of them as a session acknowledges together; null = nothing.</param>
    public static async Task ReadAsync(RawSocketClient client, int frames, byte[]? acknowledgement = null)
    {
        for (int read = 0; read < frames;)
        {
            await client.FillAsync();
            while (client.TryTake(out _))
            {
                read++;
                if (acknowledgement is not null && read % LoadSession.AckEvery == 0)
                {
                    client.Queue(acknowledgement);
                }
            }
        }
    }

    /// <summary>Receives frames over one connection, enough of them to last a good part of a second.</summary>
    /// <param name="server">The server.</param>
    /// <param name="path"><see cref="EachSent"/> or <see cref="ManyPerWrite"/>.</param>
    /// <param name="frames">How many.</param>
    /// <param name="size">Their size.</param>
    /// <param name="keep">How many bytes of them the server keeps for good; with <see cref="ManyPerWrite"/> only.</param>
    /// <returns>Frames per second.</returns>
    public static async Task<double> MeasureAsync(Uri server, string path, int frames, int size, int keep = 0)
    {
        using RawSocketClient client = Open(server, path, frames, size, keep);
        return frames / await Rounds.TimeAsync(async () =>
        {
            Start(client);
            await ReadAsync(client, frames);
        });
    }
}
