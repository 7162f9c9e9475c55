namespace Arcp.Benchmarks.EndToEnd;

/// <summary>Measures several things in turn, so that what disturbs the machine disturbs all of them.</summary>
internal static class Rounds
{
    /// <summary>How long is warmed up at least: until then the just-in-time compiler takes a good part of the processor.</summary>
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(20);

    /// <summary>Runs all to warm up, twice and long enough, then in turn.</summary>
    /// <param name="count">How many rounds.</param>
    /// <param name="measurements">What to measure; each returns one value.</param>
    /// <returns>The rounds of each.</returns>
    public static Task<Samples[]> InterleaveAsync(int count, params Func<Task<double>>[] measurements) => InterleaveAsync(count, WarmUp, measurements);

    /// <summary>The same with another time to warm up at least.</summary>
    public static async Task<Samples[]> InterleaveAsync(int count, TimeSpan warmUp, params Func<Task<double>>[] measurements)
    {
        Func<Task<double[]>>[] lists = [.. measurements.Select(Func<Task<double[]>> (measure) => async () => [await measure()])];
        return [.. (await InterleaveWarmAsync(count, warmUp, lists)).Select(samples => samples[0])];
    }

    /// <summary>The same for measurements that return several values.</summary>
    public static Task<Samples[][]> InterleaveWarmAsync(int count, params Func<Task<double[]>>[] measurements) => InterleaveWarmAsync(count, WarmUp, measurements);

    private static async Task<Samples[][]> InterleaveWarmAsync(int count, TimeSpan warmUp, Func<Task<double[]>>[] measurements)
    {
        long start = TimeProvider.System.GetTimestamp();
        do
        {
            await InterleaveManyAsync(1, warmUps: 0, measurements);
        }
        while (TimeProvider.System.GetElapsedTime(start) < warmUp);

        return await InterleaveManyAsync(count, warmUps: 1, measurements);
    }

    /// <summary>Runs all to warm up, then in turn.</summary>
    /// <param name="count">How many rounds.</param>
    /// <param name="warmUps">How many rounds do not count.</param>
    /// <param name="measurements">What to measure; each returns as many values as it always does.</param>
    /// <returns>The rounds of each value of each.</returns>
    public static async Task<Samples[][]> InterleaveManyAsync(int count, int warmUps, params Func<Task<double[]>>[] measurements)
    {
        List<double[]>[] results = [.. measurements.Select(_ => new List<double[]>())];
        for (int round = -warmUps; round < count; round++)
        {
            for (int i = 0; i < measurements.Length; i++)
            {
                double[] values = await measurements[i]();
                if (round >= 0)
                {
                    results[i].Add(values);
                }
            }
        }

        return [.. results.Select(rounds => Enumerable.Range(0, rounds[0].Length).Select(value => new Samples([.. rounds.Select(round => round[value])])).ToArray())];
    }

    /// <summary>How long something takes, in seconds.</summary>
    public static async Task<double> TimeAsync(Func<Task> act)
    {
        long start = TimeProvider.System.GetTimestamp();
        await act();
        return TimeProvider.System.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>How long something takes, in seconds.</summary>
    public static double Time(Action act)
    {
        long start = TimeProvider.System.GetTimestamp();
        act();
        return TimeProvider.System.GetElapsedTime(start).TotalSeconds;
    }
}
