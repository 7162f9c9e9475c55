using System.Globalization;
using Arcp.Benchmarks.EndToEnd;
using Arcp.Storage.Sqlite;

namespace Arcp.Benchmarks.Storage;

/// <summary>What a durable store costs: events per second beside the same without a store, bytes of file per event, and the time of a start on what was kept.</summary>
internal static class StoreProgram
{
    private const int LineBytes = 100; // a frame of about 350 bytes

    public static async Task<int> RunAsync(string[] args)
    {
        int rounds = Number(args, "--rounds", 5);
        int events = Number(args, "--events", 100_000);
        int jobs = Number(args, "--jobs", 100_000);
        Console.WriteLine(Table.Format([.. await MeasureEventsAsync(rounds, events), await MeasureStartAsync(rounds, jobs)]));
        return 0;
    }

    private static async Task<List<Row>> MeasureEventsAsync(int rounds, int events)
    {
        SqliteSynchronous?[] sides = [null, SqliteSynchronous.Normal, SqliteSynchronous.Full];
        double[][] rates = [.. sides.Select(_ => new double[rounds])];
        double[][] fileBytes = [.. sides.Select(_ => new double[rounds])];
        for (int round = -1; round < rounds; round++)
        {
            for (int side = 0; side < sides.Length; side++)
            {
                using var file = new TemporaryFile();
                double rate;
                await using (StoredRuntime runtime = await StoredRuntime.StartAsync(sides[side] is null ? null : file.Path, sides[side] ?? default))
                {
                    rate = await runtime.FloodAsync(events, LineBytes);
                }

                if (round >= 0) // the first one warms up
                {
                    rates[side][round] = rate;
                    fileBytes[side][round] = (double)file.Bytes / events;
                }
            }
        }

        var memory = new Samples(rates[0]);
        return
        [
            Row("events/s, synchronous normal; in memory", rates[1], memory),
            Row("events/s, synchronous full; in memory", rates[2], memory),
            Row("B of file per event", fileBytes[2], null),
        ];
    }

    private static async Task<Row> MeasureStartAsync(int rounds, int jobs)
    {
        using var file = new TemporaryFile();
        await using (StoredRuntime runtime = await StoredRuntime.StartAsync(file.Path, SqliteSynchronous.Normal))
        {
            await runtime.EchoAsync(jobs);
        }

        double[] seconds = new double[rounds];
        for (int round = 0; round < rounds; round++)
        {
            long start = TimeProvider.System.GetTimestamp();
            await using StoredRuntime runtime = await StoredRuntime.StartAsync(file.Path, SqliteSynchronous.Normal);
            seconds[round] = TimeProvider.System.GetElapsedTime(start).TotalSeconds;
            if (runtime.Jobs != jobs)
            {
                throw new InvalidOperationException($"{runtime.Jobs} of {jobs} jobs came back.");
            }
        }

        return Row(string.Create(CultureInfo.InvariantCulture, $"s to start with {jobs:N0} jobs retained, file of {file.Bytes / jobs} B each"), seconds, null);
    }

    private static Row Row(string measure, double[] values, Samples? baseline) => new() { Scenario = "store", Measure = measure, Measured = new Samples(values), Baseline = baseline };

    private static int Number(string[] args, string name, int otherwise) =>
        Array.IndexOf(args, name) is var at and >= 0 ? int.Parse(args[at + 1], CultureInfo.InvariantCulture) : otherwise;
}
