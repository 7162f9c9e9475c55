using Arcp.Runtime.Configuration;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Sessions;

/// <summary>Each limit is reached, told by its name, and free again when something has ended.</summary>
[Trait("Section", "14")]
public class LimitTests
{
    [Fact]
    public async Task Sessions_per_principal()
    {
        var clock = new ManualClock();
        await using TestRuntime runtime = Create(options => options.MaxSessionsPerPrincipal = 2, clock);
        await using WireClient one = await runtime.OpenAsync();
        WireClient two = await runtime.OpenAsync();
        await using (WireClient refused = runtime.Connect())
        {
            await refused.SendAsync("session.hello", new { auth = new { scheme = "bearer", token = "secret-a" } });
            ExpectLimit(await refused.ExpectAsync("session.error"), "2 sessions per principal");
        }

        await using WireClient stranger = await runtime.OpenAsync("secret-b");
        await two.DisposeAsync();
        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().Connections == 2, "the end of the connections");
        await using (WireClient resumed = runtime.Connect())
        {
            await resumed.ResumeAsync(two.ResumeToken, 0); // a resume opens no session
        }

        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().Connections == 2, "the end of the connection");
        clock.Advance(TimeSpan.FromSeconds(600));
        await using WireClient three = await runtime.OpenAsync();
    }

    [Fact]
    public async Task Running_jobs_per_principal()
    {
        await using TestRuntime runtime = Create(options => options.MaxRunningJobsPerPrincipal = 2);
        await using WireClient client = await runtime.OpenAsync("secret-a", "progress");
        await using WireClient other = await runtime.OpenAsync("secret-a", "progress");
        await using WireClient stranger = await runtime.OpenAsync("secret-b", "progress");
        string first = (await client.SubmitAsync("wait")).JobId!;
        await client.ExpectAsync("job.event");
        await other.SubmitAsync("wait");
        string request = await client.SendAsync("job.submit", new { agent = "echo" });
        ExpectLimit(await client.ExpectRefusalAsync(request, "INTERNAL_ERROR"), "2 running jobs per principal");
        runtime.Runtime.GetStatistics().Jobs.Should().Be(2, "a refused submit leaves nothing");
        await stranger.RunJobAsync("echo");
        await client.SendAsync("job.cancel", new { job_id = first });
        await client.ReadJobAsync(first);
        await client.RunJobAsync("echo");
    }

    [Fact]
    public async Task Subscriptions_per_session()
    {
        await using TestRuntime runtime = Create(options => options.MaxSubscriptionsPerSession = 2);
        await using WireClient client = await runtime.OpenAsync("secret-a", "progress");
        await using WireClient watcher = await runtime.OpenAsync("secret-a", "subscribe");
        var jobs = new List<string>();
        for (int i = 0; i < 3; i++)
        {
            jobs.Add((await client.SubmitAsync("wait")).JobId!);
            await client.ExpectAsync("job.event");
        }

        await watcher.SubmitAsync("wait"); // its own stream is no subscription
        await watcher.ExpectAsync("job.event");
        foreach (string jobId in new[] { jobs[0], jobs[1], jobs[1] })
        {
            await watcher.SendAsync("job.subscribe", new { job_id = jobId });
            await watcher.ExpectAsync("job.subscribed");
        }

        string request = await watcher.SendAsync("job.subscribe", new { job_id = jobs[2] });
        ExpectLimit(await watcher.ExpectRefusalAsync(request, "INTERNAL_ERROR"), "2 subscriptions per session");
        await watcher.SendAsync("job.unsubscribe", new { job_id = jobs[0] });
        await watcher.SendAsync("job.subscribe", new { job_id = jobs[2] });
        await watcher.ExpectAsync("job.subscribed");
        request = await watcher.SendAsync("job.subscribe", new { job_id = jobs[0] });
        await watcher.ExpectRefusalAsync(request, "INTERNAL_ERROR");
        await client.SendAsync("job.cancel", new { job_id = jobs[1] });
        await watcher.ReadJobAsync(jobs[1]); // a subscription that has ended by itself is free too
        await watcher.SendAsync("job.subscribe", new { job_id = jobs[0] });
        await watcher.ExpectAsync("job.subscribed");
    }

    [Fact]
    public async Task Connections_that_wait_for_their_welcome()
    {
        await using TestRuntime runtime = Create(options => options.MaxUnwelcomedConnections = 2);
        await using WireClient one = runtime.Connect();
        WireClient two = runtime.Connect();
        await using (WireClient refused = runtime.Connect())
        {
            ExpectLimit(await refused.ExpectAsync("session.error"), "2 connections");
        }

        await one.HelloAsync("secret-a", "ack");
        await using WireClient three = await runtime.OpenAsync();
        await two.DisposeAsync();
    }

    [Fact]
    public async Task Bytes_in_the_logs_of_all_jobs()
    {
        const int limit = 200_000;
        await using TestRuntime runtime = Create(options => options.MaxLogBytes = limit);
        var clients = new List<WireClient>();
        for (int i = 0; i < 4; i++)
        {
            clients.Add(await runtime.OpenAsync("secret-a", "progress"));
        }

        foreach (List<WireFrame> frames in await Task.WhenAll(clients.Select(client => client.RunJobAsync("count", new { n = 2_000 }))))
        {
            frames.Should().HaveCount(2_003, "agents are slowed, and who reads misses nothing");
        }

        runtime.Runtime.GetStatistics().BufferedBytes.Should().BeLessThan(limit + 4_000);
        clients.ForEach(client => client.DisposeAsync().AsTask().GetAwaiter().GetResult());
    }

    private static TestRuntime Create(Action<ArcpRuntimeOptions> configure, TimeProvider? clock = null) =>
        new(builder => configure(builder.Options), clock);

    private static void ExpectLimit(WireFrame error, string name)
    {
        error.Code.Should().Be("INTERNAL_ERROR");
        ((bool)error.Payload["retryable"]!).Should().BeTrue();
        error.Message.Should().Contain(name);
    }
}
