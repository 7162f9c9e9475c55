namespace Arcp.Benchmarks.EndToEnd.Scenarios;

/// <summary>A subscriber that reads 100 events per second, beside 49 that read as fast as they can.</summary>
internal sealed class SlowSubscriberScenario : IScenario
{
    private const int Fast = 49;
    private const int EventsPerTick = 10;
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(100);

    public string Name => "slow";

    public async Task<IReadOnlyList<Row>> RunAsync(int rounds)
    {
        await using ServerProcess server = await ServerProcess.StartAsync();
        Samples[] measured = await Rounds.InterleaveAsync(
            rounds,
            () => FanOut.MeasureAsync(server, Fast, ReadSlowlyAsync),
            () => FanOut.MeasureAsync(server, Fast));
        return [new Row { Scenario = Name, Measure = $"deliveries/s to {Fast} beside a slow one; without it", Measured = measured[0], Baseline = measured[1], Target = Target.AtLeast(0.95) }];
    }

    private static async Task ReadSlowlyAsync(Audience audience, CancellationToken over)
    {
        using LoadSession session = audience.Subscribe(bufferSize: 4096, receiveBuffer: 4096);
        using var timer = new PeriodicTimer(Tick, TimeProvider.System);
        try
        {
            while (await timer.WaitForNextTickAsync(over))
            {
                for (int taken = 0; taken < EventsPerTick;)
                {
                    if (session.TryTake(out _) is FrameKind.None)
                    {
                        await session.FillAsync(over);
                    }
                    else
                    {
                        taken++;
                    }
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The fast ones have everything.
        }
    }
}
