using Arcp.Core;
using Arcp.Core.Leases;
using Arcp.Runtime.Agents;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Leases;

[Trait("Section", "9.5")]
public class ExpiryTests
{
    private const string Lease = """{"tool.call":["t"],"cost.budget":["USD:0"]}""";

    [Fact]
    public async Task An_idle_job_ends_at_its_expiry_and_not_before()
    {
        var clock = new ManualClock();
        await using var runtime = new TestRuntime(clock: clock);
        await using WireClient client = await runtime.OpenFullAsync();
        WireFrame accepted = await client.SubmitLeasedAsync("wait", "{}", clock.GetUtcNow().AddSeconds(5));
        ((DateTimeOffset)accepted.Payload["lease_constraints"]!["expires_at"]!).Should().Be(clock.GetUtcNow().AddSeconds(5));
        await client.ExpectAsync("job.event");
        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().PendingDeadlines == 1, "the expiry is set");

        clock.Advance(TimeSpan.FromSeconds(4.999));
        await client.ExpectQuietAsync();
        clock.Advance(TimeSpan.FromSeconds(0.001));

        WireFrame end = await client.ExpectAsync("job.error");
        end.Code.Should().Be("LEASE_EXPIRED");
        end.FinalStatus.Should().Be("error");
        ((bool?)end.Payload["retryable"]).Should().BeFalse();
        runtime.Logs.Lines.Should().ContainSingle(line => line.Contains("its lease has expired", StringComparison.Ordinal), "each expiry is logged");
        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().RunningAgents == 0, "the agent was told");
        await client.ExpectQuietAsync();
    }

    [Fact]
    public async Task Operations_are_denied_from_the_moment_of_expiry_on_before_budgets_and_patterns_are_looked_at()
    {
        var clock = new ManualClock();
        var gate = new GatedAgent(isStubborn: true);
        await using var runtime = new TestRuntime(builder => builder.Add("gated", "1", false, _ => new DelegateAgent(gate.RunAsync)), clock);
        await using WireClient client = await runtime.OpenFullAsync();
        WireFrame accepted = await client.SubmitLeasedAsync("gated", Lease, clock.GetUtcNow().AddSeconds(5));
        JobContext job = await gate.BegunAsync(accepted.JobId!);

        clock.Advance(TimeSpan.FromSeconds(4.999));
        Code(job, "t").Should().Be("BUDGET_EXHAUSTED", "budgets come before patterns");
        Code(job, "not listed").Should().Be("BUDGET_EXHAUSTED");
        clock.Advance(TimeSpan.FromSeconds(0.001));
        Code(job, "t").Should().Be("LEASE_EXPIRED", "expiry comes before budgets");
        clock.Advance(TimeSpan.FromDays(1));
        Code(job, "t").Should().Be("LEASE_EXPIRED");
        (await client.ReadJobAsync(accepted.JobId!))[^1].Code.Should().Be("LEASE_EXPIRED");
        gate.Open(accepted.JobId!);
    }

    [Fact]
    public async Task A_job_that_ended_before_never_hears_of_its_expiry()
    {
        var clock = new ManualClock();
        await using var runtime = new TestRuntime(clock: clock);
        await using WireClient client = await runtime.OpenFullAsync();
        WireFrame accepted = await client.SubmitLeasedAsync("echo", "{}", clock.GetUtcNow().AddSeconds(5));
        (await client.ReadJobAsync(accepted.JobId!))[^1].Type.Should().Be("job.result");
        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics() is { PendingDeadlines: 1, RunningAgents: 0 }, "only the retention is left");

        clock.Advance(TimeSpan.FromSeconds(10));

        await client.ExpectQuietAsync();
        runtime.Logs.Lines.Should().NotContain(line => line.Contains("its lease has expired", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Constraints_need_no_lease()
    {
        var clock = new ManualClock();
        await using var runtime = new TestRuntime(clock: clock);
        await using WireClient client = await runtime.OpenFullAsync();
        await client.SendRawAsync("""{"type":"job.submit","payload":{"agent":"wait","lease_constraints":{"expires_at":"2026-01-01T00:00:01+00:00"}}}""");
        WireFrame accepted = await client.ExpectAsync("job.accepted");
        await client.ExpectAsync("job.event");
        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().PendingDeadlines == 1, "the expiry is set");

        clock.Advance(TimeSpan.FromSeconds(1));

        (await client.ReadJobAsync(accepted.JobId!))[^1].Code.Should().Be("LEASE_EXPIRED");
    }

    [Theory]
    [InlineData("2026-01-01T00:00:00Z")] // now
    [InlineData("2025-12-31T23:59:59.999Z")]
    [InlineData("2026-01-01T03:00:00+02:00")]
    [InlineData("2026-01-01T00:00:01")]
    [InlineData("soon")]
    public async Task An_expiry_must_be_in_utc_and_in_the_future(string expiresAt)
    {
        await using var runtime = new TestRuntime(clock: new ManualClock());
        await using WireClient client = await runtime.OpenFullAsync();

        await client.SendRawAsync("""{"id":"s","type":"job.submit","payload":{"agent":"wait","lease_constraints":{"expires_at":"AT"}}}""".Replace("AT", expiresAt, StringComparison.Ordinal));

        WireFrame error = await client.ExpectRefusalAsync("s", "INVALID_REQUEST");
        error.Message.Should().Contain("expires_at");
    }

    private static string? Code(JobContext job, string tool) =>
        job.TryAuthorize(LeaseNamespaces.ToolCall, tool, out ArcpException? denial) ? null : denial.Code.Value;
}
