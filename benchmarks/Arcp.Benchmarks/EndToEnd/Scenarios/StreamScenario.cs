namespace Arcp.Benchmarks.EndToEnd.Scenarios;

/// <summary>One job's events to one client.</summary>
internal sealed class StreamScenario : IScenario
{
    private const int Events = 400_000;
    private const int RawFrames = 2_000_000;

    public string Name => "stream";

    public async Task<IReadOnlyList<Row>> RunAsync(int rounds)
    {
        await using ServerProcess server = await ServerProcess.StartAsync();
        await using ServerProcess raw = await ServerProcess.StartAsync();
        int size = await Flood.MeasureFrameSizeAsync(server.Address);
        Samples[] measured = await Rounds.InterleaveAsync(
            rounds,
            () => MeasureAsync(server.Address),
            () => RawPush.MeasureAsync(raw.Address, RawPush.ManyPerWrite, RawFrames, size),
            () => RawPush.MeasureAsync(raw.Address, RawPush.EachSent, RawFrames, size));
        return
        [
            new Row { Scenario = Name, Measure = $"events/s of {size} B; raw push, many per write", Measured = measured[0], Baseline = measured[1], Target = Target.AtLeast(0.5) },
            new Row { Scenario = Name, Measure = $"events/s of {size} B; raw push, one send each", Measured = measured[0], Baseline = measured[2] },
        ];
    }

    private static async Task<double> MeasureAsync(Uri server)
    {
        using LoadSession session = LoadSession.Open(server);
        double seconds = await Rounds.TimeAsync(async () =>
        {
            session.Submit("flood", Flood.Input(Events));
            await session.TakeTerminalAsync();
        });
        return session.Lines == Events ? Events / seconds : throw new InvalidOperationException("Events are missing.");
    }
}
