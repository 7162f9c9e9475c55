using Arcp.Core.Events;
using Arcp.Core.Messages;
using Xunit.Abstractions;

namespace Arcp.Client.Tests;

/// <summary>Client and runtime over connections that break at random frames.</summary>
[Trait("§", "6.3")]
public sealed class ChaosTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(200, true)]
    [InlineData(50, false)]
    public async Task Whatever_frame_the_connection_breaks_at_every_handle_gets_its_result_and_its_events_once_and_in_order(int rounds, bool canResume)
    {
        const int jobs = 20;
        int seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        int cuts = 0;
        int replaced = 0;
        for (int round = 0; round < rounds; round++)
        {
            await using var network = new RuntimeNetwork(builder =>
            {
                builder.Options.ResumeWindow = canResume ? TimeSpan.FromMinutes(1) : TimeSpan.Zero;
                builder.Options.TerminalRetention = TimeSpan.FromMinutes(1);
            });
            if (!canResume)
            {
                network.BeforeDial = () => Bounded.UntilAsync(() => network.Runtime.GetStatistics().Sessions == 0);
            }

            network.NextCut = () =>
            {
                lock (random)
                {
                    cuts++;
                    return random.Next(1, 150);
                }
            };
            ArcpClient client = await ConnectAsync(network);
            string session = client.SessionId.Value;
            Task[] checks = [.. Enumerable.Range(0, jobs).Select(i => CheckAsync(client, $"{round}-{i}", 10 + i, $"seed {seed} round {round} job {i}"))];
            await Task.WhenAll(checks).Soon();
            replaced += client.SessionId.Value == session ? 0 : 1;
            await client.DisposeAsync().Soon();
            client.Counts.Should().Be((0, 0));
        }

        output.WriteLine($"{rounds} rounds of {jobs} jobs, {cuts} connections, {replaced} clients ended in another session");
        cuts.Should().BeGreaterThan(rounds * 2);
    }

    // The very first handshake is the application's to repeat.
    private static async Task<ArcpClient> ConnectAsync(RuntimeNetwork network)
    {
        while (true)
        {
            try
            {
                return await network.ConnectAsync();
            }
            catch (ArcpConnectionException)
            {
            }
        }
    }

    private static async Task CheckAsync(ArcpClient client, string key, int n, string because)
    {
        await using JobHandle job = await client.SubmitAsync("count", new CountInput(n), new SubmitOptions { IdempotencyKey = key });
        int expected = 0;
        await foreach (JobEvent entry in job.Events)
        {
            if (entry.Body is LogEvent log)
            {
                log.Message.Should().Be($"{++expected}", because);
            }
        }

        expected.Should().Be(n, because);
        (await job.GetResultAsync<int>()).Should().Be(n, because);
    }
}
