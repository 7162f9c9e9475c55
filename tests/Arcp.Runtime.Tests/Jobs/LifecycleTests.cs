using Arcp.Core;
using Arcp.Core.Events;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Jobs;

[Trait("Section", "7.3")]
public class LifecycleTests
{
    [Fact]
    public async Task A_job_that_runs_too_long_is_timed_out_at_its_limit_and_not_before()
    {
        var clock = new ManualClock();
        await using var runtime = new TestRuntime(clock: clock);
        await using WireClient client = await runtime.OpenAsync();
        await client.SendAsync("job.submit", new { agent = "wait", max_runtime_sec = 1.5 });
        WireFrame accepted = await client.ExpectAsync("job.accepted");
        await client.ExpectAsync("job.event");
        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().PendingDeadlines == 1, "the limit is set");

        clock.Advance(TimeSpan.FromSeconds(1.499));
        await client.ExpectQuietAsync();
        clock.Advance(TimeSpan.FromSeconds(0.001));

        WireFrame error = await client.ExpectAsync("job.error");
        error.JobId.Should().Be(accepted.JobId);
        ((string?)error.Payload["job_id"]).Should().Be(accepted.JobId);
        error.FinalStatus.Should().Be("timed_out");
        error.Code.Should().Be("TIMEOUT");
        error.EventSeq.Should().Be(2);
        error.Message.Should().Contain("1.5");
        ((bool?)error.Payload["retryable"]).Should().BeFalse();
        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().RunningAgents == 0, "the agent was told");
        await client.ExpectQuietAsync();
    }

    [Theory]
    [InlineData("1e10")]
    [InlineData("1e12")]
    [InlineData("1e308")]
    [InlineData("922337203685.4775")]
    public async Task A_limit_in_the_far_future_is_no_limit(string seconds)
    {
        await using var runtime = new TestRuntime(); // the system's clock counts finer than the manual one
        await using WireClient client = await runtime.OpenAsync();

        await client.SendRawAsync($$$"""{"type":"job.submit","payload":{"agent":"wait","max_runtime_sec":{{{seconds}}}}}""");
        WireFrame accepted = await client.ExpectAsync("job.accepted");
        await client.ExpectAsync("job.event");
        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().PendingDeadlines == 1, "the limit is set");
        await client.SendAsync("job.cancel", new { job_id = accepted.JobId });

        await client.ExpectAsync("job.cancelled");
        (await client.ExpectAsync("job.error")).FinalStatus.Should().Be("cancelled");
    }

    [Fact]
    public async Task A_job_that_ends_in_time_leaves_no_deadline_but_its_retention()
    {
        var clock = new ManualClock();
        await using var runtime = new TestRuntime(clock: clock);
        await using WireClient client = await runtime.OpenAsync();

        await client.SendAsync("job.submit", new { agent = "echo", max_runtime_sec = 5 });
        await client.SkipToAsync("job.result");
        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics() is { PendingDeadlines: 1, RunningAgents: 0 }, "only the retention is left");
        clock.Advance(TimeSpan.FromSeconds(599));
        runtime.Runtime.GetStatistics().Jobs.Should().Be(1);
        clock.Advance(TimeSpan.FromSeconds(1));

        runtime.Runtime.GetStatistics().Jobs.Should().Be(0);
        clock.ActiveTimers.Should().Be(0);
        await client.ExpectQuietAsync();
    }

    [Fact]
    public async Task After_the_end_an_agents_output_is_refused_and_invisible()
    {
        var clock = new ManualClock();
        var refusals = new List<Exception>();
        var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var runtime = new TestRuntime(
            builder => builder.AddAgent("late", "1", async (job, cancellationToken) =>
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken).ContinueWith(_ => { }, TaskScheduler.Default);
                Func<ValueTask>[] emits =
                [
                    () => job.LogAsync("x"), () => job.ThoughtAsync("x"), () => job.StatusAsync("x"), () => job.ProgressAsync(1),
                    () => job.MetricAsync("x", 1), () => job.ArtifactAsync("x", "y"), async () => await job.ToolCallAsync("x"),
                    () => job.ToolResultAsync("x", null), () => job.ToolErrorAsync("x", new ArcpException(ErrorCode.Timeout, "x")),
                    () => job.VendorEventAsync("x-vendor.x", RawJson.Null), () => job.EmitAsync(new LogEvent { Level = "info", Message = "x" }),
                ];
                foreach (Func<ValueTask> emit in emits)
                {
                    try
                    {
                        await emit();
                    }
                    catch (OperationCanceledException e)
                    {
                        refusals.Add(e);
                    }
                }

                job.CancellationToken.IsCancellationRequested.Should().BeTrue();
                told.SetResult();
                return RawJson.Parse("\"too late\"");
            }),
            clock);
        await using WireClient client = await runtime.OpenAsync();
        await client.SendAsync("job.submit", new { agent = "late", max_runtime_sec = 1 });
        WireFrame accepted = await client.ExpectAsync("job.accepted");
        await client.ExpectAsync("job.event");
        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().PendingDeadlines == 1, "the limit is set");

        clock.Advance(TimeSpan.FromSeconds(1));
        (await client.ExpectAsync("job.error")).FinalStatus.Should().Be("timed_out");
        await told.Task.WaitAsync(WireClient.Patience, TimeProvider.System);
        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().RunningAgents == 0, "the agent has returned");

        refusals.Should().HaveCount(11);
        await client.ExpectQuietAsync();
        await client.SendAsync("job.subscribe", new { job_id = accepted.JobId, from_event_seq = 0 });
        ((long?)(await client.ExpectAsync("job.subscribed")).Payload["subscribed_from"]).Should().Be(2);
        (await client.ReadJobAsync(accepted.JobId!)).Should().HaveCount(2);
        await client.ExpectQuietAsync();
    }

    [Fact]
    [Trait("Section", "12")]
    public async Task An_agents_exception_stays_in_the_log_and_the_wire_has_a_fixed_text()
    {
        await using var runtime = new TestRuntime(builder => builder
            .AddAgent("throws", "1", async (_, _) =>
            {
                await Task.Yield();
                throw new InvalidOperationException("/etc/passwd is secret");
            })
            .AddAgent("throws-at-once", "1", (_, _) => throw new InvalidOperationException("/etc/passwd is secret"))
            .AddAgent("cancels-itself", "1", (_, _) => throw new OperationCanceledException("/etc/passwd is secret"))
            .AddAgent("aggregate", "1", (_, _) => Task.FromException<RawJson?>(new AggregateException(new ArcpException(ErrorCode.Timeout, "/etc/passwd is secret")))));
        await using WireClient client = await runtime.OpenAsync();

        var texts = new HashSet<string>();
        foreach (string agent in new[] { "throws", "throws-at-once", "cancels-itself", "aggregate" })
        {
            WireFrame error = (await client.RunJobAsync(agent))[^1];
            error.Type.Should().Be("job.error");
            error.FinalStatus.Should().Be("error");
            error.Code.Should().Be("INTERNAL_ERROR");
            ((bool?)error.Payload["retryable"]).Should().BeTrue();
            error.Text.Should().NotContainAny("passwd", "Exception", "   at ");
            texts.Add(error.Message!);
        }

        texts.Should().ContainSingle().Which.Should().NotBeNullOrWhiteSpace();
        runtime.Logs.Lines.Count(line => line.Contains("passwd", StringComparison.Ordinal)).Should().Be(4);
    }

    [Theory]
    [InlineData("PERMISSION_DENIED", null, false)]
    [InlineData("PERMISSION_DENIED", true, true)]
    [InlineData("INTERNAL_ERROR", null, true)]
    [InlineData("INTERNAL_ERROR", false, false)]
    [InlineData("BUDGET_EXHAUSTED", true, false)]
    [InlineData("LEASE_EXPIRED", true, false)]
    [InlineData("X_OF_THE_HOST", null, false)]
    [Trait("Section", "12")]
    public async Task The_public_exception_reaches_the_peer_as_it_was_thrown(string code, bool? retryable, bool expected)
    {
        await using var runtime = new TestRuntime(builder => builder.AddAgent("throws", "1", (_, _) =>
            throw new ArcpException(new ErrorCode(code), "meant for \"you\" ü", retryable, new InvalidOperationException("hidden")) { Details = RawJson.Parse("""{"n":1.0}""") }));
        await using WireClient client = await runtime.OpenAsync();

        WireFrame error = (await client.RunJobAsync("throws"))[^1];

        error.Code.Should().Be(code);
        error.Message.Should().Be("meant for \"you\" ü");
        ((bool?)error.Payload["retryable"]).Should().Be(expected);
        error.Raw("details").Should().Be("""{"n":1.0}""");
        error.Text.Should().NotContain("hidden");
        error.FinalStatus.Should().Be("error");
    }

    [Theory]
    [InlineData("")]
    [InlineData("  ")]
    [InlineData("\ud800")]
    [InlineData("a\u0000b\nc")]
    [Trait("Section", "12")]
    public async Task Whatever_the_message_is_the_terminal_frame_comes_and_its_message_is_not_empty(string message)
    {
        await using var runtime = new TestRuntime(builder => builder.AddAgent("throws", "1", (_, _) => throw new ArcpException(ErrorCode.Timeout, message)));
        await using WireClient client = await runtime.OpenAsync();

        (await client.RunJobAsync("throws"))[^1].Message.Should().NotBeNullOrWhiteSpace();
    }

    [Theory]
    [InlineData("\ud800 in a log")]
    [InlineData("a\u0000b\r\nc\u2028")]
    public async Task Whatever_an_agent_says_a_frame_stays_one_line_of_json(string text)
    {
        await using var runtime = new TestRuntime(builder => builder.AddAgent("says", "1", async (job, _) =>
        {
            try
            {
                await job.LogAsync(text);
            }
            catch (ArgumentException)
            {
                await job.LogAsync("could not be said");
            }

            return null;
        }));
        await using WireClient client = await runtime.OpenAsync();

        List<WireFrame> frames = await client.RunJobAsync("says");

        frames.Should().HaveCount(4).And.AllSatisfy(frame => frame.Text.Should().NotContainAny("\n", "\r", "\0"));
        frames[^1].Type.Should().Be("job.result");
    }

    [Fact]
    public async Task An_agent_whose_cancellation_callback_throws_still_ends_and_the_runtime_still_stops()
    {
        var runtime = new TestRuntime(builder => builder.AddAgent("boom", "1", async (_, cancellationToken) =>
        {
            cancellationToken.Register(() => throw new InvalidOperationException("in a callback"));
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
            return null;
        }));
        await using (WireClient client = await runtime.OpenAsync())
        {
            WireFrame accepted = await client.SubmitAsync("boom");
            await client.ExpectAsync("job.event");
            await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().RunningAgents == 1, "the agent runs");

            await client.SendAsync("job.cancel", new { job_id = accepted.JobId });
            await client.SkipToAsync("job.error");

            await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().RunningAgents == 0, "the agent has returned");
            runtime.Logs.Lines.Should().Contain(line => line.Contains("in a callback", StringComparison.Ordinal));
        }

        await runtime.DisposeAsync();
    }

    [Fact]
    public async Task The_running_status_comes_first_and_once()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();

        List<WireFrame> frames = await client.RunJobAsync("count", new { n = 10 });

        frames[1].Kind.Should().Be("status");
        frames[1].Body.ToJsonString().Should().Be("""{"phase":"running"}""");
        frames.Count(frame => frame.Type is "job.event" && frame.Kind is "status").Should().Be(1);
        frames.Count(frame => frame.IsTerminal).Should().Be(1);
    }

    [Fact]
    public async Task An_input_that_does_not_fit_ends_the_job_with_an_invalid_request()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();

        WireFrame error = (await client.RunJobAsync("count", new { n = "many" }))[^1];

        error.Code.Should().Be("INVALID_REQUEST");
        error.Message.Should().Contain("count").And.Contain("n").And.NotContainAny("System", "Int32");
    }
}
