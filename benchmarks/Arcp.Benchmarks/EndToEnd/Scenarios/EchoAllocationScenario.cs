using Arcp.Benchmarks.Server;

namespace Arcp.Benchmarks.EndToEnd.Scenarios;

/// <summary>What the server allocates per echo job, from the socket to the socket.</summary>
internal sealed class EchoAllocationScenario : IScenario
{
    private const int Jobs = 10_000;

    public string Name => "alloc-echo";

    public async Task<IReadOnlyList<Row>> RunAsync(int rounds)
    {
        await using ServerProcess server = await ServerProcess.StartAsync();
        await using ServerProcess raw = await ServerProcess.StartAsync();
        int[] sizes = EchoSession.MeasureAnswer(server.Address);
        Samples[] measured = await Rounds.InterleaveAsync(
            rounds,
            () => MeasureAsync(server, new EchoSession(server.Address)),
            () => MeasureAsync(raw, new RawEcho(raw.Address, RawEcho.EachSent, sizes)));
        return
        [
            new Row { Scenario = Name, Measure = "B allocated per job, one at a time", Measured = measured[0], Target = Target.AtMost(3 * 1024) },
            new Row { Scenario = Name, Measure = "B allocated per raw echo, one send each", Measured = measured[1] },
        ];
    }

    private static async Task<double> MeasureAsync(ServerProcess server, IEchoPeer peer)
    {
        using (peer)
        {
            ServerStatistics before = await server.GetStatisticsAsync();
            EchoLoad.OneByOne(peer, Jobs);
            return ((await server.GetStatisticsAsync()).Allocated - before.Allocated) / (double)Jobs;
        }
    }
}
