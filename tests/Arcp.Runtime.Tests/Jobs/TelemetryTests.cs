using System.Collections.Concurrent;
using System.Diagnostics;
using Arcp.Core;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Jobs;

/// <summary>One activity per job and per tool call, in the caller's trace; meters that move and return.</summary>
[Trait("Section", "11")]
public class TelemetryTests
{
    private const string TraceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    private const string SpanId = "00f067aa0ba902b7";

    [Fact]
    public async Task A_jobs_activity_tells_of_its_lease_and_of_what_is_left_of_its_budget()
    {
        var clock = new ManualClock();
        var ended = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Arcp",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = ended.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        await using var runtime = new TestRuntime(
            builder => builder.AddAgent("spend", "1", async (job, _) =>
            {
                await job.CallToolAsync("pay", null, async _ => await job.ReportCostAsync(0.25m, "USD"));
                return null;
            }),
            clock);
        await using WireClient client = await runtime.OpenFullAsync();
        string jobId = (await client.SubmitLeasedAsync("spend", """{"tool.call":["pay"],"cost.budget":["USD:1"]}""", clock.GetUtcNow().AddSeconds(9))).JobId!;
        await client.ReadJobAsync(jobId);
        await TestRuntime.UntilAsync(() => ended.Any(activity => (string?)activity.GetTagItem("arcp.job.id") == jobId), "the job's activity");

        Activity job = ended.Single(activity => (string?)activity.GetTagItem("arcp.job.id") == jobId);
        job.GetTagItem("arcp.budget.remaining").Should().Be("USD:0.75");
        DateTimeOffset.Parse((string)job.GetTagItem("arcp.lease.expires_at")!, System.Globalization.CultureInfo.InvariantCulture).Should().Be(clock.GetUtcNow().AddSeconds(9));
        Activity call = ended.Should().ContainSingle(activity => activity.OperationName == "arcp.tool_call" && activity.ParentSpanId == job.SpanId).Subject;
        (call.Status, call.GetTagItem("arcp.tool")).Should().Be((ActivityStatusCode.Ok, "pay"));
    }

    [Theory]
    [InlineData(TraceId, null)]
    [InlineData($"00-{TraceId}-{SpanId}-01", SpanId)]
    public async Task A_job_and_its_tool_calls_are_activities_in_the_callers_trace(string trace, string? parent)
    {
        var ended = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Arcp",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = ended.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        await using var runtime = new TestRuntime(builder => builder.AddAgent("tools", "1", async (job, _) =>
        {
            string good = await job.ToolCallAsync("search", RawJson.Parse("{}"));
            string bad = await job.ToolCallAsync("fetch");
            await job.ToolErrorAsync(bad, new ArcpException(ErrorCode.PermissionDenied, "no"));
            await job.ToolResultAsync(good, RawJson.Parse("1"));
            await job.ToolCallAsync("open");
            return null;
        }));
        await using WireClient client = await runtime.OpenAsync();
        await client.SendAsync("job.submit", new { agent = "tools" }, new { trace_id = trace });
        string jobId = (await client.ExpectAsync("job.accepted")).JobId!;
        await client.ReadJobAsync(jobId);
        await TestRuntime.UntilAsync(() => ended.Any(activity => (string?)activity.GetTagItem("arcp.job.id") == jobId), "the job's activity");

        Activity job = ended.Should().ContainSingle(activity => (string?)activity.GetTagItem("arcp.job.id") == jobId).Subject;
        job.OperationName.Should().Be("arcp.job");
        job.TraceId.ToHexString().Should().Be(TraceId);
        job.Status.Should().Be(ActivityStatusCode.Ok);
        job.GetTagItem("arcp.agent").Should().Be("tools@1");
        job.GetTagItem("arcp.session.id").Should().Be(client.SessionId);
        if (parent is not null)
        {
            job.ParentSpanId.ToHexString().Should().Be(parent);
        }

        Activity[] calls = [.. ended.Where(activity => activity.OperationName == "arcp.tool_call" && activity.ParentSpanId == job.SpanId)];
        calls.Should().HaveCount(3).And.OnlyContain(call => call.TraceId == job.TraceId);
        calls.ToDictionary(call => (string)call.GetTagItem("arcp.tool")!, call => (call.Status, call.StatusDescription)).Should().BeEquivalentTo(new Dictionary<string, (ActivityStatusCode, string?)>
        {
            ["search"] = (ActivityStatusCode.Ok, null),
            ["fetch"] = (ActivityStatusCode.Error, "PERMISSION_DENIED"),
            ["open"] = (ActivityStatusCode.Error, "CANCELLED"),
        });
    }
}
