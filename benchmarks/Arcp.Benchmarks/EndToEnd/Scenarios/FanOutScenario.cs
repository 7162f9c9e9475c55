namespace Arcp.Benchmarks.EndToEnd.Scenarios;

/// <summary>One job's events to 50 subscribers, none lost.</summary>
internal sealed class FanOutScenario : IScenario
{
    private const int Subscribers = 50;
    private const int RawFramesEach = 60_000;

    private static readonly byte[] Acknowledgement = LoadSession.Frame("session.ack", """{"last_processed_seq":256}""");

    public string Name => "fanout";

    public async Task<IReadOnlyList<Row>> RunAsync(int rounds)
    {
        await using ServerProcess server = await ServerProcess.StartAsync();
        await using ServerProcess raw = await ServerProcess.StartAsync();
        int size = await Flood.MeasureFrameSizeAsync(server.Address);
        Samples[] measured = await Rounds.InterleaveAsync(
            rounds,
            () => FanOut.MeasureAsync(server, Subscribers),
            () => MeasureRawAsync(raw.Address, RawPush.ManyPerWrite, size),
            () => MeasureRawAsync(raw.Address, RawPush.ManyPerWrite, size, Acknowledgement),
            () => MeasureRawAsync(raw.Address, RawPush.EachSent, size));
        return
        [
            new Row { Scenario = Name, Measure = $"deliveries/s to {Subscribers}; raw push, many per write", Measured = measured[0], Baseline = measured[1], Target = Target.AtLeast(0.6) },
            new Row { Scenario = Name, Measure = $"deliveries/s to {Subscribers}; raw push, many per write, acknowledged as a session's", Measured = measured[0], Baseline = measured[2] },
            new Row { Scenario = Name, Measure = $"deliveries/s to {Subscribers}; raw push, one send each", Measured = measured[0], Baseline = measured[3] },
        ];
    }

    private static async Task<double> MeasureRawAsync(Uri server, string path, int size, byte[]? acknowledgement = null)
    {
        RawSocketClient[] clients = [.. Enumerable.Range(0, Subscribers).Select(_ => RawPush.Open(server, path, RawFramesEach, size))];
        double seconds = await Rounds.TimeAsync(async () =>
        {
            Array.ForEach(clients, RawPush.Start);
            await Task.WhenAll(clients.Select(client => RawPush.ReadAsync(client, RawFramesEach, acknowledgement)));
        });
        Array.ForEach(clients, client => client.Dispose());
        return Subscribers * RawFramesEach / seconds;
    }
}
