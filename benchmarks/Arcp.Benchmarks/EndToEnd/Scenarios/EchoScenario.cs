namespace Arcp.Benchmarks.EndToEnd.Scenarios;

/// <summary>From submit to result, one job at a time.</summary>
internal sealed class EchoScenario : IScenario
{
    private const int Jobs = 10_000;

    public string Name => "echo";

    public async Task<IReadOnlyList<Row>> RunAsync(int rounds)
    {
        await using ServerProcess server = await ServerProcess.StartAsync();
        await using ServerProcess raw = await ServerProcess.StartAsync();
        int[] sizes = EchoSession.MeasureAnswer(server.Address);
        Samples[][] measured = await Rounds.InterleaveWarmAsync(
            rounds,
            () => Task.FromResult(Measure(new EchoSession(server.Address))),
            () => Task.FromResult(Measure(new RawEcho(raw.Address, RawEcho.EachSent, sizes))),
            () => Task.FromResult(Measure(new RawEcho(raw.Address, RawEcho.ManyPerWrite, sizes))));
        return
        [
            new Row { Scenario = Name, Measure = $"jobs/s ({sizes.Length} frames, {sizes.Sum()} B); raw echo, one send each", Measured = measured[0][0], Baseline = measured[1][0], Target = Target.AtLeast(0.6) },
            new Row { Scenario = Name, Measure = "p99 in µs; raw echo, one send each", Measured = measured[0][1], Baseline = measured[1][1], Target = Target.AtMost(3) },
            new Row { Scenario = Name, Measure = "jobs/s; raw echo, one write", Measured = measured[0][0], Baseline = measured[2][0] },
            new Row { Scenario = Name, Measure = "p99 in µs; raw echo, one write", Measured = measured[0][1], Baseline = measured[2][1] },
        ];
    }

    private static double[] Measure(IEchoPeer peer)
    {
        using (peer)
        {
            return EchoLoad.OneByOne(peer, Jobs);
        }
    }
}
