using Arcp.Benchmarks.Server;

namespace Arcp.Benchmarks.EndToEnd.Scenarios;

/// <summary>What 100,000 jobs that have ended hold, beyond the bytes of their events.</summary>
internal sealed class RetainedScenario : IScenario
{
    private const int Jobs = 100_000;

    public string Name => "retained";

    public async Task<IReadOnlyList<Row>> RunAsync(int rounds)
    {
        Samples[][] measured = await Rounds.InterleaveManyAsync(rounds, warmUps: 0, MeasureAsync);
        return
        [
            new Row { Scenario = Name, Measure = $"managed B per job of {Jobs:N0}, beyond its events", Measured = measured[0][0], Target = Target.AtMost(1024) },
            new Row { Scenario = Name, Measure = "B of events per job", Measured = measured[0][1] },
        ];
    }

    // A server of its own for each round: what one has allocated, the next does not find.
    private static async Task<double[]> MeasureAsync()
    {
        await using ServerProcess server = await ServerProcess.StartAsync();
        await EchoLoad.FillAsync(server.Address, 1_000);
        ServerStatistics before = await server.GetStatisticsAsync(collect: true);
        await EchoLoad.FillAsync(server.Address, Jobs);
        ServerStatistics after = await server.GetStatisticsAsync(collect: true);
        double jobs = after.Jobs - before.Jobs;
        double events = (after.LogBytes - before.LogBytes) / jobs;
        return [((after.Managed - before.Managed) / jobs) - events, events];
    }
}
