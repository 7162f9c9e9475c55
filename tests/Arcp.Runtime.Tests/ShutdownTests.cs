using System.Collections.Concurrent;
using Arcp.Core;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests;

[Trait("Section", "7.3")]
public class ShutdownTests
{
    [Fact]
    public async Task Under_load_every_job_gets_one_terminal_frame_and_nothing_is_left()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var clock = new ManualClock();
        var stopping = new ConcurrentBag<string>();
        var runtime = new TestRuntime(
            builder => builder
                .AddAgent("listens", "1", async (job, cancellationToken) =>
                {
                    while (true)
                    {
                        await job.LogAsync("at work");
                        await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, cancellationToken);
                    }
                })
                .AddAgent("finishes", "1", async (job, cancellationToken) =>
                {
                    await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken).ContinueWith(_ => { }, TaskScheduler.Default);
                    await job.LogAsync("wrapping up");
                    return RawJson.Parse("\"in time\"");
                })
                .AddAgent("ignores", "1", async (_, cancellationToken) =>
                {
                    cancellationToken.Register(() => stopping.Add("ignored"));
                    await release.Task;
                    return null;
                }),
            clock);
        WireClient[] clients = [.. await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => runtime.OpenAsync()))];
        string[] agents = ["listens", "finishes", "ignores"];
        foreach (WireClient client in clients)
        {
            for (int i = 0; i < 15; i++)
            {
                await client.SendAsync("job.submit", new { agent = agents[i % 3], max_runtime_sec = 1000 });
            }
        }

        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics() is { RunningJobs: 90, PendingDeadlines: 90 }, "all run");
        Task<Dictionary<string, List<WireFrame>>>[] reading = [.. clients.Select(ReadToEndAsync)];
        await using WireClient waiting = runtime.Connect(); // has not said hello

        Task stop = runtime.Runtime.StopAsync();
        runtime.Runtime.StopAsync().Should().BeSameAs(stop);
        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().RunningAgents == 30 && stopping.Count == 30, "those who listen have gone");
        clock.Advance(TimeSpan.FromSeconds(1)); // the grace
        Dictionary<string, List<WireFrame>>[] seen = await Task.WhenAll(reading);
        await Task.WhenAll(clients.Select(client => client.DisposeAsync().AsTask()));
        await waiting.ExpectAsync("session.error");
        await waiting.DisposeAsync(); // who is refused has time to close his side
        await stop.WaitAsync(WireClient.Patience, TimeProvider.System);

        foreach (Dictionary<string, List<WireFrame>> jobs in seen)
        {
            jobs.Should().HaveCount(15);
            jobs.Values.Should().AllSatisfy(frames =>
            {
                frames.Count(frame => frame.IsTerminal).Should().Be(1);
                frames[^1].IsTerminal.Should().BeTrue("no event comes after it");
            });
            WireFrame[] terminals = [.. jobs.Values.Select(frames => frames[^1])];
            terminals.Count(frame => frame.Type == "job.result").Should().Be(5, "who finishes in the grace has a result");
            terminals.Where(frame => frame.Type == "job.error").Should().HaveCount(10).And.AllSatisfy(frame =>
            {
                frame.Code.Should().Be("INTERNAL_ERROR");
                ((bool?)frame.Payload["retryable"]).Should().BeTrue();
                frame.FinalStatus.Should().Be("error");
            });
        }

        ArcpRuntimeStatistics left = runtime.Runtime.GetStatistics();
        left.Connections.Should().Be(0);
        left.RunningJobs.Should().Be(0);
        left.PendingDeadlines.Should().Be(0);
        left.RunningAgents.Should().Be(30, "nobody can stop those who ignore it");
        clock.ActiveTimers.Should().Be(0);
        release.SetResult();
        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().RunningAgents == 0, "they have returned");
        clock.ActiveTimers.Should().Be(0);
        await runtime.DisposeAsync();
    }

    [Fact]
    public async Task While_the_runtime_stops_submits_are_refused_and_pings_answered()
    {
        var clock = new ManualClock();
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var runtime = new TestRuntime(
            builder => builder.AddAgent("ignores", "1", async (_, cancellationToken) =>
            {
                cancellationToken.Register(asked.SetResult);
                await release.Task;
                return RawJson.Parse("1");
            }),
            clock);
        await using WireClient client = await runtime.OpenAsync();
        await client.SubmitAsync("ignores");
        await client.ExpectAsync("job.event");

        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().RunningAgents == 1, "the agent runs");
        Task stop = runtime.Runtime.StopAsync();
        await asked.Task.WaitAsync(WireClient.Patience, TimeProvider.System);
        string id = await client.SendAsync("job.submit", new { agent = "echo" });
        WireFrame refusal = await client.ExpectRefusalAsync(id, "INTERNAL_ERROR");
        ((bool?)refusal.Payload["retryable"]).Should().BeTrue();
        await client.ExpectQuietAsync();
        release.SetResult();

        await client.ExpectAsync("job.result");
        await client.ExpectAsync("session.closed");
        await client.ExpectEndAsync();
        await client.DisposeAsync();
        await stop.WaitAsync(WireClient.Patience, TimeProvider.System);
        await using WireClient late = runtime.Connect();
        await late.ExpectEndAsync();
        await runtime.DisposeAsync();
    }

    [Fact]
    public async Task A_host_that_wants_to_be_gone_sooner_cuts_the_grace()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var runtime = new TestRuntime(
            builder => builder.AddAgent("ignores", "1", async (_, _) =>
            {
                await release.Task;
                return null;
            }),
            new ManualClock());
        await using WireClient client = await runtime.OpenAsync();
        await client.SubmitAsync("ignores");
        await client.ExpectAsync("job.event");
        using var hurry = new CancellationTokenSource();

        Task stop = runtime.Runtime.StopAsync(hurry.Token);
        await client.ExpectQuietAsync();
        await hurry.CancelAsync();

        (await client.ExpectAsync("job.error")).Code.Should().Be("INTERNAL_ERROR");
        await client.ExpectAsync("session.closed");
        await client.DisposeAsync();
        await stop.WaitAsync(WireClient.Patience, TimeProvider.System);
        release.SetResult();
        await runtime.DisposeAsync();
    }

    [Fact]
    [Trait("Section", "6.2")]
    public async Task A_connection_that_comes_at_the_same_moment_is_refused_in_order_or_not_taken()
    {
        using var race = new Race(runners: 2);
        for (int round = 0; round < 500; round++)
        {
            await using var runtime = new TestRuntime();
            WireClient? client = null;
            Task? stopping = null;
            race.Round(runner =>
            {
                if (runner == 0)
                {
                    client = runtime.Connect();
                }
                else
                {
                    stopping = runtime.Runtime.StopAsync();
                }
            });
            WireFrame? refusal = await client!.ReceiveAsync();
            if (refusal is not null)
            {
                refusal.Code.Should().Be("INTERNAL_ERROR");
            }

            await client.DisposeAsync();
            await stopping!.WaitAsync(WireClient.Patience, TimeProvider.System);
            runtime.Logs.Lines.Should().NotContain(line => line.Contains("Exception", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Stopping_races_with_submits_and_connections_and_still_ends_with_nothing_left()
    {
        for (int round = 0; round < 30; round++)
        {
            var runtime = new TestRuntime();
            WireClient[] clients = [.. await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => runtime.OpenAsync()))];
            Task[] load = [.. clients.Select(client => Task.Run(async () =>
            {
                try
                {
                    for (int i = 0; i < 10_000; i++)
                    {
                        await client.SendAsync("job.submit", new { agent = i % 2 == 0 ? "wait" : "echo" });
                    }
                }
                catch (Core.Transports.TransportException)
                {
                    // the runtime is gone
                }
            }))];
            Task<Dictionary<string, List<WireFrame>>>[] reading = [.. clients.Select(ReadToEndAsync)];
            await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().Jobs > 20 + (round * 10), "there is load");

            Task stop = runtime.Runtime.StopAsync();
            Dictionary<string, List<WireFrame>>[] seen = await Task.WhenAll(reading);
            await Task.WhenAll(clients.Select(client => client.DisposeAsync().AsTask()));
            await stop.WaitAsync(WireClient.Patience, TimeProvider.System);
            await Task.WhenAll(load);

            seen.SelectMany(jobs => jobs.Values).Should().AllSatisfy(frames => frames.Count(frame => frame.IsTerminal).Should().Be(1));
            await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics() is { Connections: 0, RunningJobs: 0, RunningAgents: 0, PendingDeadlines: 0 }, "nothing is left");
            await runtime.DisposeAsync();
        }
    }

    /// <summary>All numbered frames of a connection until it ends, per job; their numbers must have no gap.</summary>
    private static async Task<Dictionary<string, List<WireFrame>>> ReadToEndAsync(WireClient client)
    {
        var jobs = new Dictionary<string, List<WireFrame>>();
        long seq = 0;
        while (await client.ReceiveAsync() is { } frame)
        {
            if (frame.EventSeq is { } next)
            {
                next.Should().Be(++seq);
                if (!jobs.TryGetValue(frame.JobId!, out List<WireFrame>? frames))
                {
                    jobs[frame.JobId!] = frames = [];
                }

                frames.Add(frame);
            }
        }

        return jobs;
    }
}
