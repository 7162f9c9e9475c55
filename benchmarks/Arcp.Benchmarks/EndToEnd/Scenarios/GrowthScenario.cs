using System.Globalization;

namespace Arcp.Benchmarks.EndToEnd.Scenarios;

/// <summary>What single operations cost while the server holds little and much: jobs that have ended, and sessions.</summary>
internal sealed class GrowthScenario : IScenario
{
    private static readonly int[] JobLevels = [1, 1_000, 100_000];
    private static readonly int[] SessionLevels = [1, 100, 5_000];

    /// <summary>Longer than sessions and jobs are kept.</summary>
    private static readonly TimeSpan PastAll = TimeSpan.FromSeconds(601);

    public string Name => "growth";

    public async Task<IReadOnlyList<Row>> RunAsync(int rounds)
    {
        await using ServerProcess server = await ServerProcess.StartAsync("--leap");
        Samples[][] jobs = await Rounds.InterleaveManyAsync(rounds, warmUps: 1, [.. JobLevels.Select(Func<Task<double[]>> (level) => () => MeasureWithJobsAsync(server, level))]);
        Samples[][] sessions = await Rounds.InterleaveManyAsync(rounds, warmUps: 1, [.. SessionLevels.Select(Func<Task<double[]>> (level) => () => MeasureWithSessionsAsync(server, level))]);
        return [.. Compare(jobs, JobLevels, "jobs"), .. Compare(sessions, SessionLevels, "sessions"), SweepRow(jobs)];
    }

    private static async Task<double[]> MeasureWithJobsAsync(ServerProcess server, int level)
    {
        await EchoLoad.FillAsync(server.Address, level);
        await server.GetStatisticsAsync(collect: true);
        double[] operations = GrowthProbe.Measure(server.Address);
        int swept = (await server.GetStatisticsAsync()).Jobs;
        double sweep = await server.LeapAsync(PastAll);
        await ClearAsync(server);
        return [.. operations, 1e6 * sweep / swept];
    }

    private static async Task<double[]> MeasureWithSessionsAsync(ServerProcess server, int level)
    {
        LoadSession[] sessions = [.. Enumerable.Range(0, level).Select(i => LoadSession.Open(server.Address, 1 + (i % 7), bufferSize: 1024))];
        await server.GetStatisticsAsync(collect: true);
        double[] operations = GrowthProbe.Measure(server.Address);
        Array.ForEach(sessions, session => session.Dispose());
        await ClearAsync(server);
        return operations;
    }

    // A session expires only after the server has seen that its connection is gone.
    private static async Task ClearAsync(ServerProcess server)
    {
        while (await server.GetStatisticsAsync() is { Sessions: > 0 } or { Jobs: > 0 })
        {
            await server.LeapAsync(PastAll);
        }
    }

    private IEnumerable<Row> Compare(Samples[][] measured, int[] levels, string what) =>
        from operation in Enumerable.Range(0, GrowthProbe.Operations.Length)
        from level in Enumerable.Range(1, levels.Length - 1)
        select new Row
        {
            Scenario = Name,
            Measure = $"{GrowthProbe.Operations[operation]}, µs: {Count(levels[level])} {what}; {Count(levels[0])}",
            Measured = measured[level][operation],
            Baseline = measured[0][operation],
            Target = GrowthProbe.Operations[operation] is GrowthProbe.Control ? null : Target.WithinSpreadOf(measured[0][operation]),
        };

    private Row SweepRow(Samples[][] jobs) => new()
    {
        Scenario = Name,
        Measure = $"sweep, µs per job: {Count(JobLevels[2])} jobs; {Count(JobLevels[1])}",
        Measured = jobs[2][^1],
        Baseline = jobs[1][^1],
        Target = Target.WithinSpreadOf(jobs[1][^1]),
    };

    private static string Count(int level) => level.ToString("N0", CultureInfo.InvariantCulture);
}
