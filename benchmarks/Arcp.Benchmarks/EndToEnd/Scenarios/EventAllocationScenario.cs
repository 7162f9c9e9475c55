using Arcp.Benchmarks.Server;

namespace Arcp.Benchmarks.EndToEnd.Scenarios;

/// <summary>What the server allocates per emitted event once a job's log is full: for its one reader, and for each reader more.</summary>
internal sealed class EventAllocationScenario : IScenario
{
    private const int Before = 120_000;

    /// <summary>Fewer than a log holds: nobody can fall behind so far that he loses any, however slow the machine is.</summary>
    private const int Events = 80_000;
    private const int MoreReaders = 10;

    /// <summary>Short: after more jobs all logs together would be at their limit, where each loses what is not read yet.</summary>
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(6);

    public string Name => "alloc-event";

    public async Task<IReadOnlyList<Row>> RunAsync(int rounds)
    {
        await using ServerProcess server = await ServerProcess.StartAsync();
        Samples[] measured = await Rounds.InterleaveAsync(
            rounds,
            WarmUp,
            () => MeasureAsync(server, 0),
            () => MeasureAsync(server, MoreReaders));
        Samples more = new([.. measured[1].Less(measured[0]).Values.Select(bytes => bytes / MoreReaders)]);
        return
        [
            new Row { Scenario = Name, Measure = "B allocated per event, 1 reader", Measured = measured[0], Target = Target.AtMost(200) },
            new Row { Scenario = Name, Measure = "B allocated per event and reader more", Measured = more, Target = Target.AtMost(8) },
        ];
    }

    private static async Task<double> MeasureAsync(ServerProcess server, int subscribers)
    {
        using Audience audience = Audience.Open(server.Address, subscribers, Events, Before);
        Task[] readers = [audience.Submitter.TakeTerminalAsync(), .. audience.Subscribers.Select(session => session.TakeTerminalAsync())];
        await server.WaitForGateAsync();
        ServerStatistics before = await server.GetStatisticsAsync();
        await server.OpenGateAsync();
        await Task.WhenAll(readers);
        return ((await server.GetStatisticsAsync()).Allocated - before.Allocated) / (double)Events;
    }
}
