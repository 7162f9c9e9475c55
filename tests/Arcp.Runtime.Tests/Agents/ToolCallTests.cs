using System.Collections.Concurrent;
using System.Diagnostics;
using Arcp.Core;
using Arcp.Core.Leases;
using Arcp.Runtime.Agents;
using Arcp.Runtime.DependencyInjection;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Agents;

/// <summary>Tool calls and the gate in front of them, as a client sees them.</summary>
[Trait("Section", "9")]
public class ToolCallTests
{
    [Theory]
    [InlineData("pattern", "PERMISSION_DENIED")]
    [InlineData("namespace", "PERMISSION_DENIED")]
    [InlineData("budget", "BUDGET_EXHAUSTED")]
    [InlineData("expiry", "LEASE_EXPIRED")]
    public async Task A_denial_is_told_once_as_the_error_of_its_call_and_the_body_does_not_run(string denial, string code)
    {
        int bodies = 0;
        var clock = new ManualClock();
        var agent = new GatedAgent();
        Func<Task> act = () => Task.CompletedTask;

        // Due at the moment of expiry, before the runtime's own timer that ends the job.
        await using ITimer moment = clock.CreateTimer(_ => act().GetAwaiter().GetResult(), null, TimeSpan.FromSeconds(5), Timeout.InfiniteTimeSpan);
        await using var runtime = new TestRuntime(builder => builder.AddAgent("gate", "1", agent.RunAsync), clock);
        await using WireClient client = await runtime.OpenFullAsync();
        string lease = denial switch
        {
            "pattern" => """{"tool.call":["allowed.*"]}""",
            "namespace" => """{"fs.read":["/**"]}""",
            _ => """{"tool.call":["*"],"cost.budget":["USD:1"]}""",
        };
        WireFrame accepted = await client.SubmitLeasedAsync("gate", lease, denial == "expiry" ? clock.GetUtcNow().AddSeconds(5) : null);
        JobContext job = await agent.BegunAsync(accepted.JobId!);
        if (denial == "budget")
        {
            await job.ReportCostAsync(1, "USD");
        }

        act = async () =>
        {
            Func<Task> call = () => job.CallToolAsync("t", RawJson.Parse("[1]"), _ => Task.FromResult(RawJson.From(++bodies)));
            (await call.Should().ThrowAsync<ArcpException>()).Which.Code.Value.Should().Be(code);
            job.TryAuthorize(LeaseNamespaces.ToolCall, "t", out ArcpException? again).Should().BeFalse();
            again!.Code.Value.Should().Be(code);
        };
        if (denial == "expiry")
        {
            await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().PendingDeadlines == 1, "the expiry is set");
            clock.Advance(TimeSpan.FromSeconds(5));
        }
        else
        {
            await act();
            agent.Open(accepted.JobId!);
        }

        List<WireFrame> frames = await client.ReadJobAsync(accepted.JobId!);

        bodies.Should().Be(0);
        frames[^1].Code.Should().Be(denial == "expiry" ? code : null, "a denial alone is not the end");
        WireFrame called = frames.Should().ContainSingle(frame => frame.Kind == "tool_call").Subject;
        WireFrame told = frames.Should().ContainSingle(frame => frame.Kind == "tool_result").Subject;
        frames.IndexOf(told).Should().BeGreaterThan(frames.IndexOf(called));
        ((string?)called.Body["tool"]).Should().Be("t");
        ((string?)told.Body["call_id"]).Should().NotBeNullOrEmpty().And.Be((string?)called.Body["call_id"]);
        told.Body.ContainsKey("result").Should().BeFalse();
        ((string?)told.Body["error"]!["code"]).Should().Be(code);
        ((bool)told.Body["error"]!["retryable"]!).Should().BeFalse();
        ((string?)told.Body["error"]!["message"]).Should().NotBeNullOrEmpty();
    }

    [Theory]
    [InlineData("arcp", "AGENT_NOT_AVAILABLE", "said to the peer")]
    [InlineData("other", "INTERNAL_ERROR", "The tool failed.")]
    [InlineData("upstream", "BUDGET_EXHAUSTED", null)]
    [InlineData("host's", "TIMEOUT", "the host says so")]
    [Trait("Section", "12")]
    public async Task What_a_body_throws_is_told_as_far_as_it_may_be(string thrown, string code, string? message)
    {
        const string Inner = "the tool's own words";
        Exception exception = thrown switch
        {
            "arcp" => new ArcpException(ErrorCode.AgentNotAvailable, "said to the peer"),
            "upstream" => new HttpRequestException($"{Inner}: budget_exceeded", null, System.Net.HttpStatusCode.BadRequest),
            "host's" => new NotSupportedException(Inner),
            _ => new InvalidOperationException(Inner),
        };
        await using TestRuntime runtime = Create(
            job => job.CallToolAsync("t", null, _ => Task.FromException<RawJson>(exception)),
            builder => builder.Options.TranslateException = e => e is NotSupportedException ? new ArcpException(ErrorCode.Timeout, "the host says so") : null);
        await using WireClient client = await runtime.OpenFullAsync();

        WireFrame accepted = await client.SubmitLeasedAsync("tools", """{"tool.call":["*"]}""");
        List<WireFrame> frames = await client.ReadJobAsync(accepted.JobId!);

        WireFrame told = frames.Should().ContainSingle(frame => frame.Kind == "tool_result").Subject;
        ((string?)told.Body["call_id"]).Should().Be((string?)frames.Single(frame => frame.Kind == "tool_call").Body["call_id"]);
        ((string?)told.Body["error"]!["code"]).Should().Be(code);
        frames[^1].Code.Should().Be(code, "the agent let it through");
        if (message is not null)
        {
            ((string?)told.Body["error"]!["message"]).Should().Be(message);
        }

        frames.Should().OnlyContain(frame => !frame.Text.Contains(Inner));
        runtime.Logs.Lines.Any(line => line.Contains(Inner, StringComparison.Ordinal)).Should().Be(thrown == "other", "what nobody is told stands in the log");
    }

    [Fact]
    [Trait("Section", "9.6")]
    public async Task An_upstream_that_says_the_budget_is_spent_ends_the_job_where_the_host_wants_that()
    {
        await using TestRuntime runtime = Create(
            async job =>
            {
                try
                {
                    return await job.CallToolAsync("t", null, _ => throw new HttpRequestException("budget_exceeded", null, System.Net.HttpStatusCode.BadRequest));
                }
                catch (ArcpException)
                {
                    return RawJson.Parse("\"went on\"");
                }
            },
            builder => builder.Options.EndOnBudgetExhaustion = true);
        await using WireClient client = await runtime.OpenFullAsync();

        WireFrame accepted = await client.SubmitLeasedAsync("tools", """{"tool.call":["*"]}""");
        List<WireFrame> frames = await client.ReadJobAsync(accepted.JobId!);

        frames.Select(frame => frame.Kind ?? frame.Code).Should().Equal("status", "tool_call", "tool_result", "BUDGET_EXHAUSTED");
    }

    [Fact]
    public async Task A_body_is_cancelled_with_its_job_and_nothing_is_told_behind_the_end()
    {
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var over = new TaskCompletionSource<Exception>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestRuntime runtime = Create(async job =>
        {
            try
            {
                return await job.CallToolAsync("t", null, async cancellationToken =>
                {
                    begun.SetResult();
                    await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
                    return RawJson.Null;
                });
            }
            catch (Exception e)
            {
                over.SetResult(e);
                throw;
            }
        });
        await using WireClient client = await runtime.OpenFullAsync();
        WireFrame accepted = await client.SubmitLeasedAsync("tools", """{"tool.call":["*"]}""");
        await begun.Task.WaitAsync(WireClient.Patience, TimeProvider.System);

        await client.SendAsync("job.cancel", new { job_id = accepted.JobId });

        List<WireFrame> frames = await client.ReadJobAsync(accepted.JobId!);
        frames.Select(frame => frame.Kind ?? frame.Type).Should().Equal("status", "tool_call", "job.cancelled", "job.error");
        (await over.Task.WaitAsync(WireClient.Patience, TimeProvider.System)).Should().BeAssignableTo<OperationCanceledException>();
        await client.ExpectQuietAsync();
    }

    [Fact]
    [Trait("Section", "7.4")]
    public async Task A_call_that_is_cancelled_within_the_grace_is_told_as_cancelled()
    {
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestRuntime runtime = Create(
            job => job.CallToolAsync("t", null, async cancellationToken =>
            {
                begun.SetResult();
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
                return RawJson.Null;
            }),
            builder => builder.Options.CancelGrace = TimeSpan.FromMinutes(1));
        await using WireClient client = await runtime.OpenFullAsync();
        WireFrame accepted = await client.SubmitLeasedAsync("tools", """{"tool.call":["*"]}""");
        await begun.Task.WaitAsync(WireClient.Patience, TimeProvider.System);

        await client.SendAsync("job.cancel", new { job_id = accepted.JobId });

        List<WireFrame> frames = await client.ReadJobAsync(accepted.JobId!);
        frames.Select(frame => frame.Kind ?? frame.Type).Should().Equal("status", "tool_call", "job.cancelled", "tool_result", "job.error");
        ((string?)frames[3].Body["error"]!["code"]).Should().Be("CANCELLED");
    }

    [Fact]
    [Trait("Section", "11")]
    public async Task Each_call_is_one_activity_with_how_it_went()
    {
        var ended = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Arcp",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = ended.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        await using TestRuntime runtime = Create(async job =>
        {
            await job.CallToolAsync("good", null, _ => Task.FromResult(RawJson.Null));
            foreach (string tool in (string[])["denied", "bad"])
            {
                Func<Task> call = () => job.CallToolAsync(tool, null, _ => throw new InvalidOperationException("x"));
                await call.Should().ThrowAsync<Exception>();
            }

            return RawJson.Null;
        });
        await using WireClient client = await runtime.OpenFullAsync();

        WireFrame accepted = await client.SubmitLeasedAsync("tools", """{"tool.call":["good","bad"]}""");
        List<WireFrame> frames = await client.ReadJobAsync(accepted.JobId!);

        string[] ids = [.. frames.Where(frame => frame.Kind == "tool_call").Select(frame => (string)frame.Body["call_id"]!)];
        Activity[] calls = [.. ids.Select(id => ended.Should().ContainSingle(activity => (string?)activity.GetTagItem("arcp.call.id") == id).Subject)];
        calls.Select(call => ((string?)call.GetTagItem("arcp.tool"), call.Status, call.StatusDescription)).Should().Equal(
            ("good", ActivityStatusCode.Ok, null),
            ("denied", ActivityStatusCode.Error, "PERMISSION_DENIED"),
            ("bad", ActivityStatusCode.Error, "INTERNAL_ERROR"));
        calls.Should().OnlyContain(call => call.TraceId.ToHexString() == accepted.TraceId);
    }

    [Theory]
    [InlineData(false, "{}", false)]
    [InlineData(true, "{}", true)]
    [InlineData(true, """{"model.use":[]}""", false)]
    [InlineData(true, """{"model.use":["a-*"]}""", false)]
    [InlineData(false, """{"model.use":["m*"]}""", true)]
    [Trait("Section", "9.7")]
    public async Task A_model_that_no_lease_names_is_allowed_by_option_alone(bool allowsUnlisted, string lease, bool isAllowed)
    {
        await using TestRuntime runtime = Create(
            job => Task.FromResult(RawJson.From(job.TryAuthorize(LeaseNamespaces.ModelUse, "m1", out _))),
            builder => builder.Options.AllowUnlistedModels = allowsUnlisted);
        await using WireClient client = await runtime.OpenFullAsync();

        WireFrame accepted = await client.SubmitLeasedAsync("tools", lease);

        (await client.ReadJobAsync(accepted.JobId!))[^1].Raw("result").Should().Be(isAllowed ? "true" : "false");
    }

    private static TestRuntime Create(Func<JobContext, Task<RawJson>> run, Action<ArcpRuntimeBuilder>? configure = null) => new(builder =>
    {
        builder.AddAgent("tools", "1", async (job, _) => await run(job));
        configure?.Invoke(builder);
    });
}
