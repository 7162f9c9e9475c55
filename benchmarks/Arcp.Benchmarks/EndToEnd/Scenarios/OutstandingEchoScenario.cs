namespace Arcp.Benchmarks.EndToEnd.Scenarios;

/// <summary>From submit to result, 64 jobs under way over one or more sessions.</summary>
internal sealed class OutstandingEchoScenario(string name, int sessions) : IScenario
{
    private const int Jobs = 32_000;
    private const int Outstanding = 64;

    /// <summary>What a job that has ended holds, its events included, see the scenario <c>retained</c>.</summary>
    private const int KeptPerJob = 200;

    public string Name => name;

    public async Task<IReadOnlyList<Row>> RunAsync(int rounds)
    {
        await using ServerProcess server = await ServerProcess.StartAsync();
        await using ServerProcess raw = await ServerProcess.StartAsync();
        await using ServerProcess keeping = await ServerProcess.StartAsync();
        int[] sizes = EchoSession.MeasureAnswer(server.Address);
        Samples[] measured = await Rounds.InterleaveAsync(
            rounds,
            () => MeasureAsync(() => new EchoSession(server.Address)),
            () => MeasureAsync(() => new RawEcho(raw.Address, RawEcho.EachSent, sizes)),
            () => MeasureAsync(() => new RawEcho(raw.Address, RawEcho.ManyPerWrite, sizes)),
            () => MeasureAsync(() => new RawEcho(keeping.Address, RawEcho.EachSent, sizes, KeptPerJob)));
        string measure = $"jobs/s, {Outstanding} outstanding over {sessions} session{(sessions == 1 ? "" : "s")}";
        return
        [
            new Row { Scenario = Name, Measure = $"{measure}; raw echo, one send each", Measured = measured[0], Baseline = measured[1], Target = Target.AtLeast(0.5) },
            new Row { Scenario = Name, Measure = $"{measure}; raw echo, one write", Measured = measured[0], Baseline = measured[2] },
            new Row { Scenario = Name, Measure = $"{measure}; raw echo, one send each, keeping {KeptPerJob:N0} B of each", Measured = measured[0], Baseline = measured[3] },
        ];
    }

    private async Task<double> MeasureAsync(Func<IEchoPeer> open)
    {
        IEchoPeer[] peers = [.. Enumerable.Range(0, sessions).Select(_ => open())];
        double rate = await EchoLoad.ManyAsync(peers, Jobs, Outstanding / sessions);
        Array.ForEach(peers, peer => peer.Dispose());
        return rate;
    }
}
