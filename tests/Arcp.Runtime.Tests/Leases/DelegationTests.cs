using System.Text.Json.Nodes;
using Arcp.Core;
using Arcp.Core.Leases;
using Arcp.Runtime.Agents;
using Arcp.Runtime.Jobs;
using Arcp.Runtime.Leases;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Leases;

[Trait("Section", "10")]
public class DelegationTests
{
    private static readonly string[] Features = ["agent_versions", "progress", "subscribe", "ack", "list_jobs", "cost.budget", "model.use", "lease_expires_at", "result_chunk"];

    [Fact]
    public async Task A_child_is_announced_on_its_parents_stream_and_then_streamed_to_the_same_session()
    {
        await using TestRuntime runtime = Create((job, _) => job.DelegateAsync("count", RawJson.Parse("""{"n":3}""")));
        await using WireClient client = await runtime.OpenAsync("secret-a", Features);

        WireFrame accepted = await SubmitAsync(client, """{"agent.delegate":["count"]}""");
        List<WireFrame> frames = await ReadUntilAllEndAsync(client, 2);

        WireFrame announced = frames.Should().ContainSingle(frame => frame.Kind == "delegate").Subject;
        announced.JobId.Should().Be(accepted.JobId);
        string child = (string)announced.Body["child_job_id"]!;
        ((string?)announced.Body["agent"]).Should().Be("count@1.0.0");
        ((string?)announced.Body["delegate_id"]).Should().StartWith("del_");
        announced.Body["lease_request"]!.ToJsonString().Should().Be("{}");
        List<WireFrame> ofChild = [.. frames.Where(frame => frame.JobId == child)];
        ofChild.Should().OnlyContain(frame => frames.IndexOf(frame) > frames.IndexOf(announced), "the announcement comes first");
        ofChild.Should().OnlyContain(frame => frame.TraceId == accepted.TraceId);
        ofChild.Select(frame => frame.IsTerminal ? frame.Type : frame.Kind).Should().Equal("status", "log", "log", "log", "job.result");
        frames.Should().NotContain(frame => frame.Type == "job.accepted", "an acceptance answers a submit");
        frames.Select(frame => frame.EventSeq).Should().Equal(Enumerable.Range(1, frames.Count).Select(seq => (long?)seq));
        frames.Single(frame => frame.IsTerminal && frame.JobId == accepted.JobId).Raw("result").Should().Be("""{"count":3}""");

        await client.SendAsync("session.list_jobs", new { });
        JsonArray jobs = (await client.ExpectAsync("session.jobs")).Payload["jobs"]!.AsArray();
        jobs.Single(job => (string)job!["job_id"]! == child)!["parent_job_id"]!.GetValue<string>().Should().Be(accepted.JobId);
    }

    [Fact]
    public async Task The_end_of_a_parent_ends_its_children()
    {
        await using TestRuntime runtime = Create(async (job, cancellationToken) =>
        {
            DelegatedJob child = await job.DelegateAsync("wait");
            await job.DelegateAsync("wait", lease: null);
            return child;
        }, awaits: false);
        await using WireClient client = await runtime.OpenAsync("secret-a", Features);

        WireFrame accepted = await SubmitAsync(client, """{"agent.delegate":["wait"]}""");
        List<WireFrame> frames = await ReadUntilAllEndAsync(client, 3);

        frames.Where(frame => frame.IsTerminal && frame.JobId != accepted.JobId).Should().HaveCount(2).And.OnlyContain(frame => frame.Code == "CANCELLED" && frame.FinalStatus == "cancelled");
        frames.Single(frame => frame.IsTerminal && frame.JobId == accepted.JobId).Type.Should().Be("job.result");
        runtime.Runtime.GetStatistics().RunningJobs.Should().Be(0);
    }

    [Fact]
    [Trait("Section", "9.6")]
    public void Whoever_sees_the_end_of_a_child_finds_the_rest_of_its_budget_with_the_parent()
    {
        var lease = CompiledLease.Compile(new LeaseBuilder().Budget("USD", 1).Build());
        var parent = new BudgetLedger(lease.Budgets);
        var told = new List<decimal?>();
        parent.OnChanged = currency => told.Add(parent.RemainingIn(currency));
        parent.TryReserve(lease.Budgets, out _).Should().BeTrue();
        Job child = TestJob.Create(guard: new LeaseGuard(lease, new BudgetLedger(lease.Budgets, parent), null, false));
        var watch = new BudgetWatch(parent, told);
        child.Attach(watch);

        child.TryApply(new JobSignal.Stopped(JobOutcome.ParentEnded)).Should().BeTrue();

        watch.Seen.Should().Equal((1m, 1));
        told.Should().Equal([1m], "it is told once");
    }

    private static TestRuntime Create(Func<JobContext, CancellationToken, Task<DelegatedJob>> run, bool awaits = true) => new(builder => builder
        .AddAgent("boss", "1.0.0", async (job, cancellationToken) =>
        {
            DelegatedJob child = await run(job, cancellationToken);
            return awaits ? await child.GetResultAsync(cancellationToken) : null;
        }));

    private static async Task<WireFrame> SubmitAsync(WireClient client, string lease, string agent = "boss")
    {
        await client.SendAsync("job.submit", new JsonObject { ["agent"] = agent, ["lease_request"] = JsonNode.Parse(lease) });
        return await client.ExpectAsync("job.accepted");
    }

    private static async Task<List<WireFrame>> ReadUntilAllEndAsync(WireClient client, int jobs)
    {
        var frames = new List<WireFrame>();
        while (frames.Count(frame => frame.IsTerminal) < jobs)
        {
            frames.Add((await client.ReceiveAsync())!);
        }

        return frames;
    }

    // What is left of a budget, and how often that was told, when a reader hears of an entry.
    private sealed class BudgetWatch(BudgetLedger budget, List<decimal?> told) : JobReader
    {
        public List<(decimal?, int)> Seen { get; } = [];

        public override void OnAppended() => Seen.Add((budget.RemainingIn("USD"), told.Count));

        public override void OnStalled()
        {
        }
    }
}
