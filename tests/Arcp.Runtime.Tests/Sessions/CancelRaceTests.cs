using System.Text;
using Arcp.Core;
using Arcp.Runtime.Configuration;
using Arcp.Runtime.Jobs;
using Arcp.Runtime.Sessions;
using Arcp.Runtime.Tests.Support;
using Xunit.Abstractions;

namespace Arcp.Runtime.Tests.Sessions;

/// <summary>A job ends once, however many want to end it.</summary>
[Trait("Section", "7.4")]
public class CancelRaceTests(ITestOutputHelper output)
{
    private const int Iterations = 10_000;

    [Theory]
    [InlineData("success")]
    [InlineData("error")]
    [InlineData("timed_out")]
    [InlineData("cancelled")]
    public async Task A_cancel_after_the_end_changes_nothing_for_anybody(string end)
    {
        var clock = new ManualClock();
        var agent = new GatedAgent();
        await using var runtime = new TestRuntime(builder => builder.AddAgent("gate", "1", agent.RunAsync), clock);
        await using WireClient client = await runtime.OpenAsync();
        await using WireClient watcher = await runtime.OpenAsync();
        await client.SendAsync("job.submit", new { agent = "gate", max_runtime_sec = 5 });
        string jobId = (await client.ExpectAsync("job.accepted")).JobId!;
        await agent.BegunAsync(jobId);
        await watcher.SendAsync("job.subscribe", new { job_id = jobId, history = true });
        await watcher.ExpectAsync("job.subscribed");
        switch (end)
        {
            case "success":
                agent.Open(jobId);
                break;
            case "error":
                agent.Open(jobId, _ => throw new ArcpException(ErrorCode.PermissionDenied, "no"));
                break;
            case "timed_out":
                clock.Advance(TimeSpan.FromSeconds(5));
                break;
            default:
                await client.SendAsync("job.cancel", new { job_id = jobId, reason = "first" });
                (await client.SkipToAsync("job.cancelled")).Payload["already_terminal"].Should().BeNull();
                break;
        }

        (await client.ReadJobAsync(jobId))[^1].FinalStatus.Should().Be(end);
        (await watcher.ReadJobAsync(jobId))[^1].FinalStatus.Should().Be(end);
        await agent.OverAsync(jobId);
        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics() is { RunningAgents: 0, PendingDeadlines: 1 }, "all that the job had is gone but its retention");
        ArcpRuntimeStatistics before = runtime.Runtime.GetStatistics();

        for (int i = 0; i < 3; i++)
        {
            string request = await client.SendAsync("job.cancel", new { job_id = jobId, reason = "late" });
            WireFrame answer = await client.ExpectAsync("job.cancelled");
            answer.Payload.ToJsonString().Should().Be($$"""{"job_id":"{{jobId}}","already_terminal":true,"final_status":"{{end}}"}""");
            answer.EventSeq.Should().BeNull();
            ((string?)answer.Json["request_id"]).Should().Be(request);
        }

        await client.ExpectQuietAsync();
        await watcher.ExpectQuietAsync();
        runtime.Runtime.GetStatistics().Should().Be(before);
        await client.SendAsync("session.list_jobs");
        WireFrame jobs = await client.ExpectAsync("session.jobs");
        ((string?)jobs.Payload["jobs"]![0]!["status"]).Should().Be(end);
    }

    [Fact]
    public async Task Completion_timeout_and_two_cancels_at_once_end_a_job_once()
    {
        long start = TimeProvider.System.GetTimestamp();
        var clock = new ManualClock();
        var agent = new GatedAgent();
        await using var runtime = new TestRuntime(
            builder =>
            {
                builder.AddAgent("gate", "1", agent.RunAsync);
                builder.Options.TerminalRetention = TimeSpan.FromMinutes(1);
                builder.Options.ResumeWindow = TimeSpan.FromDays(1);
            },
            clock);
        await using WireClient client = await runtime.OpenAsync();
        await using WireClient watcher = await runtime.OpenAsync();
        using var race = new Race(3);
        var outcomes = new Dictionary<string, int>();
        for (int i = 0; i < Iterations; i++)
        {
            await client.SendAsync("job.submit", new { agent = "gate", max_runtime_sec = 1 });
            string jobId = (await client.ExpectAsync("job.accepted")).JobId!;
            await agent.BegunAsync(jobId);
            await watcher.SendAsync("job.subscribe", new { job_id = jobId, history = true });
            (await watcher.ExpectAsync("job.subscribed")).JobId.Should().Be(jobId);

            // Each round gives another runner a small lead.
            int first = i % 4;
            race.Round(runner =>
            {
                Thread.SpinWait(runner == first ? 0 : i % 7 * 300);
                switch (runner)
                {
                    case 0:
                        agent.Open(jobId);
                        break;
                    case 1:
                        clock.Advance(TimeSpan.FromSeconds(1));
                        break;
                    default:
                        client.SendAsync("job.cancel", new { job_id = jobId, reason = "one" }).GetAwaiter().GetResult();
                        client.SendAsync("job.cancel", new { job_id = jobId, reason = "two" }).GetAwaiter().GetResult();
                        break;
                }
            });

            string status = await ReadEndAsync(client, jobId, answers: 2);
            (await ReadEndAsync(watcher, jobId, answers: 0)).Should().Be(status);
            outcomes[status] = outcomes.GetValueOrDefault(status) + 1;
        }

        output.WriteLine($"{Iterations} iterations in {TimeProvider.System.GetElapsedTime(start).TotalSeconds:F1} s: {string.Join(", ", outcomes)}");
        outcomes.Keys.Should().BeSubsetOf(["success", "timed_out", "cancelled"]);
        outcomes.Should().HaveCount(3, "the race must be one");
        await client.ExpectQuietAsync();
        await watcher.ExpectQuietAsync();
    }

    [Fact]
    public void Signals_from_many_threads_end_a_job_once()
    {
        using var race = new Race(4);
        for (int i = 0; i < Iterations; i++)
        {
            int ended = 0;
            int applied = 0;
            Job job = TestJob.Create(_ => Interlocked.Increment(ref ended));
            job.TryApply(JobSignal.AgentStarted);
            race.Round(runner =>
            {
                JobSignal signal = runner switch
                {
                    0 => new JobSignal.Finished(new JobOutcome.Succeeded(RawJson.Null)),
                    1 => new JobSignal.Stopped(new JobOutcome.Overrun(TimeSpan.FromSeconds(1))),
                    _ => new JobSignal.Stopped(new JobOutcome.Cancellation("x")),
                };
                if (job.TryApply(signal))
                {
                    Interlocked.Increment(ref applied);
                }
            });

            (applied, ended).Should().Be((1, 1));
            job.Snapshot().LogLength.Should().Be(2);
        }
    }

    [Fact]
    public void The_answer_to_a_cancel_is_collected_before_the_end_that_it_causes()
    {
        using var race = new Race(2);
        for (int i = 0; i < Iterations; i++)
        {
            Job job = TestJob.Create();
            job.TryApply(JobSignal.AgentStarted);
            SessionOutbox outbox = new SessionFactory(new ArcpRuntimeOptions { BackPressureThreshold = 0 }, journal: null, TimeProvider.System).Create(job.Spec.SubmittedBy, job.Spec.Principal).Outbox;
            outbox.TryBegin(new SilentConnection(), Features.None, "welcome"u8.ToArray(), lastEventSeq: null).Should().BeTrue();
            outbox.Open(job, new ControlFrame("accepted"u8.ToArray(), OutlivesConnection: false));
            var frames = new List<string>();
            var batch = new FrameBatch();
            int lead = i % 50;
            race.Round(runner =>
            {
                if (runner == 0)
                {
                    Thread.SpinWait(lead * 10);
                    outbox.ActAndPost(() =>
                    {
                        job.TryApply(new JobSignal.Stopped(new JobOutcome.Cancellation(null))).Should().BeTrue();
                        Thread.SpinWait(100);
                        return new ControlFrame("cancelled"u8.ToArray(), OutlivesConnection: false);
                    });
                    return;
                }

                while (frames.Count < 5)
                {
                    outbox.Collect(batch);
                    for (int frame = 0; frame < batch.Count; frame++)
                    {
                        frames.Add(Encoding.UTF8.GetString(batch[frame].Span));
                    }

                    batch.Clear();
                }
            });

            frames[..2].Should().Equal("welcome", "accepted");
            frames[2..4].Should().Contain("cancelled");
            frames[4].Should().Contain("job.error");
        }
    }

    [Fact]
    public async Task An_agent_that_ignores_its_cancellation_ends_at_once_and_says_nothing_more()
    {
        var agent = new GatedAgent(isStubborn: true);
        await using var runtime = new TestRuntime(builder => builder.AddAgent("stubborn", "1", agent.RunAsync));
        await using WireClient client = await runtime.OpenAsync();
        string jobId = (await client.SubmitAsync("stubborn")).JobId!;
        await agent.BegunAsync(jobId);
        (await client.ExpectAsync("job.event")).Body["phase"]!.GetValue<string>().Should().Be("running");

        await client.SendAsync("job.cancel", new { job_id = jobId, reason = "enough" });
        WireFrame cancelled = await client.ExpectAsync("job.cancelled");
        cancelled.Payload.ToJsonString().Should().Be($$"""{"job_id":"{{jobId}}","reason":"enough"}""");
        WireFrame error = await client.ExpectAsync("job.error");
        error.FinalStatus.Should().Be("cancelled");
        error.Code.Should().Be("CANCELLED");

        bool wasTold = false;
        agent.Open(jobId, async job =>
        {
            try
            {
                await job.LogAsync("still here");
            }
            catch (OperationCanceledException)
            {
                wasTold = true;
            }

            return RawJson.Parse("1");
        });
        await agent.OverAsync(jobId);
        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().RunningAgents == 0, "the end of the agent");
        wasTold.Should().BeTrue("what it says is refused, and it learns that");
        await client.ExpectQuietAsync();
        await client.SendAsync("job.cancel", new { job_id = jobId });
        (await client.ExpectAsync("job.cancelled")).FinalStatus.Should().Be("cancelled");
        await client.ExpectQuietAsync();
    }

    /// <summary>Reads a job's terminal frame and the answers to its cancels; nothing else may come.</summary>
    private static async Task<string> ReadEndAsync(WireClient client, string jobId, int answers)
    {
        WireFrame? terminal = null;
        var claimed = new List<string>();
        while (terminal is null || answers > 0)
        {
            WireFrame? frame = await client.ReceiveAsync();
            frame.Should().NotBeNull();
            frame!.JobId.Should().Be(jobId, "a job that has ended says nothing more");
            switch (frame.Type)
            {
                case "job.event" when terminal is null:
                    break;
                case "job.cancelled" when (bool?)frame.Payload["already_terminal"] is true:
                    answers--;
                    claimed.Add(frame.FinalStatus!);
                    break;
                case "job.cancelled":
                    terminal.Should().BeNull("job.cancelled comes before the job.error that it causes");
                    ((string?)frame.Payload["reason"]).Should().Be("one", "the first cancel wins over the second");
                    answers--;
                    claimed.Add("cancelled");
                    break;
                default:
                    frame.IsTerminal.Should().BeTrue("of {0}", frame.Text);
                    terminal.Should().BeNull("there is one terminal frame");
                    terminal = frame;
                    break;
            }
        }

        claimed.Should().AllBe(terminal.FinalStatus!);
        return terminal.FinalStatus!;
    }
}
