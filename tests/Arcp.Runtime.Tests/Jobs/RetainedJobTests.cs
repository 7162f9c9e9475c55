using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using Arcp.Core;
using Arcp.Core.Events;
using Arcp.Core.Ids;
using Arcp.Runtime.Agents;
using Arcp.Runtime.Configuration;
using Arcp.Runtime.Jobs;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Jobs;

/// <summary>A job that has ended holds its log and what it is listed by, and little more.</summary>
public class RetainedJobTests
{
    [Fact]
    public void A_job_that_has_ended_keeps_its_status_and_its_log_and_not_its_result()
    {
        Job job = TestJob.Create();
        job.TryApply(JobSignal.AgentStarted);
        WeakReference result = End(job);

        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();

        result.IsAlive.Should().BeFalse();
        job.Snapshot().State.Status.Should().Be(JobStatus.Success);
        job.Snapshot().State.IsTerminal.Should().BeTrue();
        job.Snapshot().State.Decision!.Status.Should().Be(JobStatus.Success);
        ((int)TestJob.Frames(job)[^1].Payload["result"]!["n"]!).Should().Be(17);
        job.TryApply(new JobSignal.Stopped(JobOutcome.ShutDown)).Should().BeFalse();
        job.TryEmit(new ThoughtEvent { Text = "late" }).Should().BeFalse();
    }

    [Fact]
    public async Task The_input_of_a_job_goes_with_its_agent()
    {
        var inputs = new List<WeakReference>();
        await using var runtime = new TestRuntime(builder => builder.AddAgent("remember", "1", (job, _) =>
        {
            inputs.Add(new WeakReference(job.Input));
            return Task.FromResult<RawJson?>(null);
        }));
        await using WireClient client = await runtime.OpenAsync();
        await client.RunJobAsync("remember", new { text = "much" });
        await client.RunJobAsync("remember", new { text = "much" }); // what the first one left on stacks and in frames is written over
        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().RunningAgents == 0, "the agents' return");

        await TestRuntime.UntilAsync(
            () =>
            {
                GC.Collect();
                return !inputs[0].IsAlive;
            },
            "the input to go");
        runtime.Runtime.GetStatistics().Jobs.Should().Be(2);
    }

    [Fact]
    public void Whoever_asks_for_the_token_late_is_told_to_stop()
    {
        Job job = TestJob.Create();
        job.TryApply(JobSignal.AgentStarted);
        CancellationToken early = job.Stopping;
        job.TryApply(new JobSignal.Finished(new JobOutcome.Succeeded(RawJson.Null)));
        job.ReleaseAgent();

        early.IsCancellationRequested.Should().BeTrue();
        job.Stopping.IsCancellationRequested.Should().BeTrue();
        job.RequestStop().IsCompletedSuccessfully.Should().BeTrue();
    }

    [Fact]
    [Trait("Section", "6.6")]
    public async Task Jobs_are_forgotten_each_in_its_time()
    {
        var clock = new ManualClock();
        await using var runtime = new TestRuntime(clock: clock);
        await using WireClient client = await runtime.OpenAsync("secret-a", "subscribe");
        TimeSpan apart = TimeSpan.FromSeconds(100);
        for (int i = 0; i < 3; i++)
        {
            await client.RunJobAsync("echo");
            await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().RunningAgents == 0, "the agent's return");
            clock.Advance(apart);
        }

        runtime.Runtime.GetStatistics().Jobs.Should().Be(3);
        TimeSpan retention = new ArcpRuntimeOptions().EffectiveRetention;
        clock.Advance(retention - (3 * apart) - TimeSpan.FromSeconds(1));
        for (int left = 3; left > 0; left--)
        {
            runtime.Runtime.GetStatistics().Jobs.Should().Be(left);
            clock.Advance(TimeSpan.FromSeconds(1));
            runtime.Runtime.GetStatistics().Jobs.Should().Be(left - 1);
            clock.Advance(apart - TimeSpan.FromSeconds(1));
        }

        // And from the start again, when there was nothing to wait for.
        await client.RunJobAsync("echo");
        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().RunningAgents == 0, "the agent's return");
        clock.Advance(retention - TimeSpan.FromSeconds(1));
        runtime.Runtime.GetStatistics().Jobs.Should().Be(1);
        clock.Advance(TimeSpan.FromSeconds(1));
        runtime.Runtime.GetStatistics().Jobs.Should().Be(0);
    }

    [Fact]
    [Trait("Section", "7.6")]
    public async Task A_job_is_told_after_its_end_as_it_was_told_before()
    {
        const string Lease = """{"tool.call":["search.*"],"cost.budget":["USD:5"]}""";
        var gate = new GatedAgent();
        await using var runtime = new TestRuntime(builder => builder.AddAgent("gate", "2.1", gate.RunAsync));
        await using WireClient submitter = await runtime.OpenFullAsync();
        await using WireClient before = await runtime.OpenFullAsync();
        await using WireClient after = await runtime.OpenFullAsync();
        string parent = (await submitter.RunJobAsync("echo"))[0].JobId!;
        await submitter.SendAsync(
            "job.submit",
            new { agent = "gate", input = 1, parent_job_id = parent, lease_request = JsonNode.Parse(Lease), lease_constraints = new { expires_at = "2999-01-01T00:00:00Z" } },
            new { trace_id = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" });
        string jobId = (await submitter.ExpectAsync("job.accepted")).JobId!;
        await submitter.ExpectAsync("job.event");

        (JsonObject toldBefore, JsonObject listedBefore) = await AskAsync(before, jobId);
        gate.Open(jobId, async job =>
        {
            await job.LogAsync("a line");
            await job.ProgressAsync(1, 2);
            return RawJson.Parse("""{"n":17}""");
        });
        List<string> live = [.. (await before.ReadJobAsync(jobId)).Select(WithoutNumber)];
        await submitter.ReadJobToEndAsync(jobId);
        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().RunningAgents == 0, "the agent's return");
        (JsonObject toldAfter, JsonObject listedAfter) = await AskAsync(after, jobId);
        List<string> history = [.. (await after.ReadJobAsync(jobId)).Select(WithoutNumber)];

        live.Should().HaveCount(4);
        history.Should().Equal(live);
        toldAfter["current_status"]!.GetValue<string>().Should().Be("success");
        toldAfter["subscribed_from"]!.GetValue<long>().Should().Be(4);
        Without(toldAfter, "current_status", "subscribed_from").Should().Be(Without(toldBefore, "current_status", "subscribed_from"));
        listedAfter["status"]!.GetValue<string>().Should().Be("success");
        listedAfter["last_event_seq"]!.GetValue<long>().Should().Be(4);
        Without(listedAfter, "status", "last_event_seq").Should().Be(Without(listedBefore, "status", "last_event_seq"));

        await after.ExpectRefusalAsync(await after.SendAsync("job.cancel", new { job_id = jobId }), "PERMISSION_DENIED");
        await submitter.SendAsync("job.cancel", new { job_id = jobId });
        WireFrame cancelled = await submitter.ExpectAsync("job.cancelled");
        cancelled.Payload["already_terminal"]!.GetValue<bool>().Should().BeTrue();
        cancelled.FinalStatus.Should().Be("success");
        await using WireClient stranger = await runtime.OpenFullAsync("secret-b");
        await stranger.ExpectRefusalAsync(await stranger.SendAsync("job.subscribe", new { job_id = jobId }), "PERMISSION_DENIED");
    }

    [Fact]
    public async Task The_runtime_holds_a_job_only_while_it_is_at_work()
    {
        var gate = new GatedAgent();
        Arcp.Runtime.Sessions.SessionServices services = TestRuntime.Compose(new AgentDescriptor("gate", "1", false, _ => new DelegateAgent(gate.RunAsync)));
        await TestRuntime.ServeAsync(services, async client =>
        {
            string jobId = (await client.SubmitAsync("gate")).JobId!;
            await gate.BegunAsync(jobId);
            services.Jobs.TryFind(new JobId(jobId), out KnownJob? known).Should().BeTrue();
            known!.Itself.Should().NotBeNull();

            gate.Open(jobId);
            await client.ReadJobToEndAsync(jobId);
            await TestRuntime.UntilAsync(() => known.Itself is null, "the job to be packed");
            await TestRuntime.UntilAsync(() => services.Jobs.AtWork.Length == 0, "the runtime to let go of it");
            services.Jobs.TryFind(new JobId(jobId), out KnownJob? still).Should().BeTrue();
            still.Should().NotBeSameAs(known, "it holds bytes alone");
            still!.Describe().Should().Be(known.Describe());
        });
    }

    private static async Task<(JsonObject Told, JsonObject Listed)> AskAsync(WireClient client, string jobId)
    {
        await client.SendAsync("session.list_jobs", new { filter = new { agent = "gate@2.1" } });
        JsonNode listed = (await client.ExpectAsync("session.jobs")).Payload["jobs"]!.AsArray().Single()!;
        await client.SendAsync("job.subscribe", new { job_id = jobId, from_event_seq = 0 });
        return ((await client.ExpectAsync("job.subscribed")).Payload, listed.AsObject());
    }

    private static string WithoutNumber(WireFrame frame)
    {
        frame.Json.Remove("session_id");
        frame.Json.Remove("event_seq");
        return frame.Json.ToJsonString();
    }

    private static string Without(JsonObject json, params string[] members)
    {
        Array.ForEach(members, member => json.Remove(member).Should().BeTrue());
        return json.ToJsonString();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference End(Job job)
    {
        RawJson result = RawJson.Parse("""{"n":17}""");
        job.TryApply(new JobSignal.Finished(new JobOutcome.Succeeded(result)));
        return new WeakReference(result);
    }
}
