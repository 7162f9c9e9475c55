using Arcp.Runtime.Tests.Support;
using Xunit.Abstractions;

namespace Arcp.Runtime.Tests.Sessions;

/// <summary>What has ended is let go of: counts return to where they were.</summary>
[Trait("Section", "14")]
public class RetentionTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Everything_is_back_at_the_baseline_after_the_sweeps()
    {
        var clock = new ManualClock();
        await using var runtime = new TestRuntime(clock: clock);
        ArcpRuntimeStatistics baseline = runtime.Runtime.GetStatistics();
        int timers = clock.ActiveTimers;
        WireClient client = await runtime.OpenAsync("secret-a", "heartbeat", "subscribe", "ack");
        WireClient watcher = await runtime.OpenAsync("secret-a", "heartbeat", "subscribe");
        for (int i = 0; i < 20; i++)
        {
            await client.SendAsync("job.submit", new { agent = i % 2 == 0 ? "wait" : "echo", idempotency_key = $"k{i}", max_runtime_sec = 60 });
            string jobId = (await client.SkipToAsync("job.accepted")).JobId!;
            await watcher.SendAsync("job.subscribe", new { job_id = jobId, history = true });
        }

        await client.SendAsync("session.list_jobs");
        runtime.Runtime.GetStatistics().Jobs.Should().Be(20);
        foreach (WireClient gone in new[] { client, watcher })
        {
            await gone.DisposeAsync();
        }

        await runtime.ConnectionsEndedAsync();
        clock.Advance(TimeSpan.FromSeconds(60));
        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics() is { RunningJobs: 0, RunningAgents: 0 }, "the end of all jobs");
        runtime.Runtime.GetStatistics().Should().Match<ArcpRuntimeStatistics>(now => now.Sessions == 2 && now.Jobs == 20 && now.IdempotencyEntries == 20 && now.BufferedBytes > 0);
        clock.Advance(TimeSpan.FromSeconds(600));
        runtime.Runtime.GetStatistics().Should().Match<ArcpRuntimeStatistics>(now => now.Sessions == 0 && now.Jobs == 0 && now.IdempotencyEntries == 20 && now.BufferedBytes == 0);
        clock.Advance(TimeSpan.FromHours(26));
        runtime.Runtime.GetStatistics().Should().Be(baseline);
        clock.ActiveTimers.Should().Be(timers);
    }

    [Fact]
    public async Task Ten_thousand_connections_that_drop_leave_nothing()
    {
        const int cycles = 10_000;
        long start = TimeProvider.System.GetTimestamp();
        var clock = new ManualClock();
        await using var runtime = new TestRuntime(clock: clock);
        ArcpRuntimeStatistics baseline = runtime.Runtime.GetStatistics();
        int timers = clock.ActiveTimers;
        WireClient client = await runtime.OpenAsync("secret-a", "heartbeat");
        for (int i = 0; i < cycles; i++)
        {
            // Every other one resumes; the rest are forgotten in time.
            await client.DisposeAsync();
            WireClient next = runtime.Connect();
            if (i % 2 == 0)
            {
                await next.ResumeAsync(client.ResumeToken, 0);
            }
            else
            {
                await next.HelloAsync("secret-a", "heartbeat");
                clock.Advance(TimeSpan.FromSeconds(1));
            }

            client = next;
        }

        runtime.Runtime.GetStatistics().Sessions.Should().BeLessThan(700, "sessions expire on the way");
        await client.DisposeAsync();
        await runtime.ConnectionsEndedAsync();
        clock.Advance(TimeSpan.FromSeconds(601));
        runtime.Runtime.GetStatistics().Should().Be(baseline);
        clock.ActiveTimers.Should().Be(timers);
        output.WriteLine($"{cycles} cycles in {TimeProvider.System.GetElapsedTime(start).TotalSeconds:F1} s");
    }

    [Fact]
    public async Task A_hundred_thousand_jobs_leave_nothing()
    {
        const int jobs = 100_000;
        const int batch = 50;
        long start = TimeProvider.System.GetTimestamp();
        var clock = new ManualClock();
        await using var runtime = new TestRuntime(clock: clock);
        ArcpRuntimeStatistics baseline = runtime.Runtime.GetStatistics();
        int timers = clock.ActiveTimers;
        WireClient client = await runtime.OpenAsync("secret-a", "ack");
        byte[] submit = """{"id":"c","type":"job.submit","payload":{"agent":"echo"}}"""u8.ToArray();
        using var buffer = new Core.Transports.FrameBuffer(1 << 20);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60), TimeProvider.System);
        int most = 0;
        for (int done = 0; done < jobs; done += batch)
        {
            for (int i = 0; i < batch; i++)
            {
                await client.SendRawAsync(submit);
            }

            for (int results = 0; results < batch;)
            {
                await client.Transport.ReadAsync(buffer, patience.Token);
                results += buffer.WrittenSpan.IndexOf("\"job.result\""u8) >= 0 ? 1 : 0;
            }

            clock.Advance(TimeSpan.FromSeconds(10));
            most = Math.Max(most, runtime.Runtime.GetStatistics().Jobs);
        }

        most.Should().BeInRange(batch, 62 * batch, "jobs go when their retention is over");
        await client.DisposeAsync();
        await runtime.ConnectionsEndedAsync();
        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().RunningAgents == 0, "the end of all agents");
        clock.Advance(TimeSpan.FromSeconds(601));
        runtime.Runtime.GetStatistics().Should().Be(baseline);
        clock.ActiveTimers.Should().Be(timers);
        output.WriteLine($"{jobs} jobs in {TimeProvider.System.GetElapsedTime(start).TotalSeconds:F1} s");
    }
}
