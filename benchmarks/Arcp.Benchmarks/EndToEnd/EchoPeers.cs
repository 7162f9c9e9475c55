namespace Arcp.Benchmarks.EndToEnd;

/// <summary>A session that submits echo jobs; a job is answered by its acceptance, its running status and its result.</summary>
internal sealed class EchoSession(Uri server) : IEchoPeer
{
    private static readonly byte[] Request = LoadSession.Frame("job.submit", "{\"agent\":\"echo\",\"input\":{\"text\":\"hello\"}}");

    private readonly LoadSession _session = LoadSession.Open(server);

    /// <summary>The sizes of the frames that answer one submit.</summary>
    public static int[] MeasureAnswer(Uri server)
    {
        using LoadSession session = LoadSession.Open(server);
        session.Queue(Request);
        List<int> sizes = [];
        FrameKind kind;
        do
        {
            kind = session.Take(out ReadOnlySpan<byte> frame);
            sizes.Add(frame.Length);
        }
        while (kind is not FrameKind.Terminal);

        return [.. sizes];
    }

    public void Queue() => _session.Queue(Request);

    public int TakeCompleted()
    {
        int completed = 0;
        for (FrameKind kind = _session.TryTake(out _); kind is not FrameKind.None; kind = _session.TryTake(out _))
        {
            completed += kind is FrameKind.Terminal ? 1 : 0;
        }

        return completed;
    }

    public void Fill() => _session.Fill();

    public void Dispose() => _session.Dispose();
}

/// <summary>A bare WebSocket that answers each request, which is as long as a submit, with prebuilt frames.</summary>
/// <param name="server">The server.</param>
/// <param name="path"><see cref="EachSent"/> or <see cref="ManyPerWrite"/>.</param>
/// <param name="sizes">The sizes of the frames.</param>
/// <param name="keep">How many bytes the server keeps of each request for good; with <see cref="EachSent"/> only.</param>
internal sealed class RawEcho(Uri server, string path, int[] sizes, int keep = 0) : IEchoPeer
{
    /// <summary>One send per frame.</summary>
    public const string EachSent = "/raw/echo/send";

    /// <summary>One write for the answers to all requests of a read.</summary>
    public const string ManyPerWrite = "/raw/echo/flush";

    private static readonly byte[] Request = LoadSession.Frame("job.submit", "{\"agent\":\"echo\",\"input\":{\"text\":\"hello\"}}");

    private readonly RawSocketClient _client = RawSocketClient.Connect(server, $"{path}?sizes={string.Join(',', sizes)}&keep={keep}");
    private int _frames;

    public void Queue() => _client.Queue(Request);

    public int TakeCompleted()
    {
        while (_client.TryTake(out _))
        {
            _frames++;
        }

        int completed = _frames / sizes.Length;
        _frames %= sizes.Length;
        return completed;
    }

    public void Fill() => _client.Fill();

    public void Dispose() => _client.Dispose();
}
