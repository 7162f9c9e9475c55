using Arcp.Benchmarks.Server;

namespace Arcp.Benchmarks.EndToEnd.Scenarios;

/// <summary>A streamed result of 100 MB in chunks of the default size, on a server whose logs still grow into fresh memory, and on one whose logs have reached their limit.</summary>
/// <remarks>Each of these jobs leaves 32 MiB of its log, and all logs may have 1 GiB: 32 jobs are between the two.</remarks>
internal sealed class ResultScenario : IScenario
{
    private const int Bytes = 100_000_000;
    private const double MiB = 1024 * 1024;
    private const int JobsToFill = 40;
    private const int KeptPerJob = 32 * 1024 * 1024;
    private const int FreshWarmUps = 8;
    private const int FreshRounds = 20;

    public string Name => "result";

    public async Task<IReadOnlyList<Row>> RunAsync(int rounds) =>
    [
        .. await RunAsync(FreshWarmUps, Math.Min(rounds, FreshRounds), "logs grow", KeptPerJob),
        .. await RunAsync(JobsToFill, rounds, "logs at their limit", keep: 0),
    ];

    private async Task<IReadOnlyList<Row>> RunAsync(int warmUps, int rounds, string state, int keep)
    {
        await using ServerProcess server = await ServerProcess.StartAsync();
        await using ServerProcess raw = await ServerProcess.StartAsync();
        await using ServerProcess keeping = await ServerProcess.StartAsync();
        (int frames, int size) = await MeasureFramesAsync(server.Address);
        Func<Task<double[]>>[] sides =
        [
            () => MeasureAsync(server),
            async () => [await RawPush.MeasureAsync(raw.Address, RawPush.ManyPerWrite, frames, size) * size / 1e6],
            async () => [await RawPush.MeasureAsync(raw.Address, RawPush.EachSent, frames, size) * size / 1e6],
            async () => [await RawPush.MeasureAsync(keeping.Address, RawPush.ManyPerWrite, frames, size, keep) * size / 1e6],
        ];
        Samples[][] measured = await Rounds.InterleaveManyAsync(rounds, warmUps, keep == 0 ? sides[..3] : sides);
        Row[] whatKeepingCosts = keep == 0 ? [] :
        [
            new Row { Scenario = Name, Measure = $"MB/s, {state}; raw push, one write each, keeping {keep / MiB} MiB of it", Measured = measured[0][0], Baseline = measured[3][0] },
            new Row { Scenario = Name, Measure = $"MB/s of raw push keeping {keep / MiB} MiB of it; raw push, one write each", Measured = measured[3][0], Baseline = measured[1][0] },
        ];
        return
        [
            new Row { Scenario = Name, Measure = $"MB/s in {frames} frames of {size} B, {state}; raw push, one write each", Measured = measured[0][0], Baseline = measured[1][0], Target = Target.AtLeast(0.5) },
            new Row { Scenario = Name, Measure = $"MB/s, {state}; raw push, one send each", Measured = measured[0][0], Baseline = measured[2][0] },
            .. whatKeepingCosts,
            new Row { Scenario = Name, Measure = $"MiB of managed memory above idle at the peak, {state}", Measured = measured[0][1], Target = Target.AtMost(64) },
        ];
    }

    private static async Task<double[]> MeasureAsync(ServerProcess server)
    {
        ServerStatistics idle = await server.GetStatisticsAsync(collect: true);
        double rate = 0;
        long peak = await server.PeakOfAsync(async () =>
        {
            using LoadSession session = LoadSession.Open(server.Address, bufferSize: 1024 * 1024);
            long before = session.BytesRead;
            double seconds = await Rounds.TimeAsync(async () =>
            {
                session.Submit("result", $"{{\"bytes\":{Bytes}}}");
                await session.TakeTerminalAsync();
            });
            rate = session.BytesRead - before > Bytes ? (session.BytesRead - before) / 1e6 / seconds : throw new InvalidOperationException("The result is not whole.");
        });
        return [rate, (peak - idle.Managed) / MiB];
    }

    private static async Task<(int Frames, int Size)> MeasureFramesAsync(Uri server)
    {
        using LoadSession session = LoadSession.Open(server);
        session.Submit("result", $"{{\"bytes\":{Bytes}}}");
        long before = session.BytesRead;
        await session.TakeTerminalAsync();
        int frames = (int)session.LastSeq - 2; // less the running status and the result
        return (frames, (int)((session.BytesRead - before) / frames) - WebSocketFrames.LongestHeader);
    }
}
