using Arcp.Runtime.Agents;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Storage;

/// <summary>While a commit is under way nothing is shown that it has to keep, and nothing waits for it that shows nothing of it.</summary>
public class CommitThenShowTests
{
    private readonly GatedAgent _agent = new();

    [Fact]
    [Trait("Section", "6.2")]
    public async Task A_welcome_waits_for_its_session()
    {
        await using DurableHost durable = await CreateAsync();
        await using WireClient other = await durable.Host.OpenAsync();
        using var gate = new CommitGate(durable.Store);
        await using WireClient client = durable.Host.Connect();
        await client.SendAsync("session.hello", new { auth = new { scheme = "bearer", token = "secret-a" }, capabilities = new { } });
        await gate.ReachedAsync();
        Task<WireFrame?> welcome = client.ReceiveAsync();
        await other.ExpectHeldAsync();
        welcome.IsCompleted.Should().BeFalse();

        gate.Open();
        (await welcome)!.Type.Should().Be("session.welcome");
    }

    [Fact]
    [Trait("Section", "6.3")]
    public async Task A_welcome_to_a_resume_waits_for_its_token()
    {
        await using DurableHost durable = await CreateAsync();
        await using WireClient other = await durable.Host.OpenAsync();
        WireClient before = await durable.Host.OpenAsync();
        List<WireFrame> seen = await before.RunJobAsync("echo", 1);
        await before.DisposeAsync();
        await durable.CommittedAsync();
        using var gate = new CommitGate(durable.Store);
        await using WireClient client = durable.Host.Connect();
        await client.SendAsync("session.resume", new { resume_token = before.ResumeToken, last_event_seq = 0 });
        await gate.ReachedAsync();
        Task<WireFrame?> welcome = client.ReceiveAsync();
        await other.ExpectHeldAsync();
        welcome.IsCompleted.Should().BeFalse();

        gate.Open();
        (await welcome)!.Type.Should().Be("session.welcome");
        (await client.ExpectAsync("job.accepted")).Text.Should().Be(seen[0].Text);
        (await client.ReadNumberedAsync(seen.Count - 1)).Select(frame => frame.Text).Should().Equal(seen.Skip(1).Select(frame => frame.Text));
    }

    [Fact]
    [Trait("Section", "7.1")]
    public async Task An_acceptance_waits_for_its_job_which_does_not_run_before()
    {
        await using DurableHost durable = await CreateAsync();
        await using WireClient client = await durable.Host.OpenAsync();
        await using WireClient other = await durable.Host.OpenAsync();
        using var gate = new CommitGate(durable.Store);
        string[] requests = [await client.SendAsync("job.submit", new { agent = "gate" }), await client.SendAsync("job.submit", new { agent = "gate", idempotency_key = "k" })];
        await gate.ReachedAsync();
        await client.ExpectHeldAsync();
        await other.SendAsync("session.list_jobs");
        await other.ExpectHeldAsync();
        _agent.Runs.Should().Be(0);

        gate.Open();
        foreach (string request in requests)
        {
            ((string?)(await client.SkipToAsync("job.accepted")).Json["request_id"]).Should().Be(request, "answers come in the order of submits");
        }

        (await other.ExpectAsync("session.jobs")).Payload["jobs"]!.AsArray().Should().BeEmpty("they were no jobs when it was asked");
    }

    [Fact]
    [Trait("Section", "7.1")]
    public async Task A_job_is_accepted_before_its_frames_also_when_each_commit_takes_a_moment()
    {
        await using DurableHost durable = await CreateAsync();
        await using WireClient client = await durable.Host.OpenAsync();
        durable.Store.BeforeCommit = async _ => await Task.Yield();
        for (int i = 0; i < 10; i++)
        {
            string request = await client.SendAsync("job.submit", new { agent = "count", input = new { n = 5 } });
            WireFrame accepted = await client.ExpectAsync("job.accepted");
            ((string?)accepted.Json["request_id"]).Should().Be(request);
            List<WireFrame> frames = await client.ReadJobAsync(accepted.JobId!);
            frames.LogLines().Should().Equal(Enumerable.Range(1, 5).Select(n => $"tick {n}"));
            frames.Select(frame => frame.EventSeq).Should().Equal(Enumerable.Range((7 * i) + 1, 7).Select(n => (long?)n));
        }
    }

    [Fact]
    [Trait("Section", "8.3")]
    public async Task Events_wait_for_their_commit_and_pings_and_refusals_do_not()
    {
        await using DurableHost durable = await CreateAsync();
        await using WireClient client = await durable.Host.OpenAsync();
        await using WireClient watcher = await durable.Host.OpenAsync();
        string once = (await SubmitKeyedAsync(client)).Payload.ToJsonString();
        JobContext job = await BeginAsync(client);
        await watcher.SubscribeAsync(job.JobId.Value);
        await watcher.ExpectAsync("job.event");
        await durable.CommittedAsync();
        using var gate = new CommitGate(durable.Store);
        await job.LogAsync("1");
        await gate.ReachedAsync();
        await client.ExpectHeldAsync();
        await watcher.ExpectHeldAsync();
        await job.LogAsync("2");
        await client.ExpectHeldAsync();

        await client.ExpectRefusalAsync(await client.SendAsync("job.submit", new { agent = "nobody" }), "AGENT_NOT_AVAILABLE");
        await client.ExpectRefusalAsync(await client.SendAsync("job.cancel", new { job_id = "job_x" }), "JOB_NOT_FOUND");
        await client.ExpectRefusalAsync(await client.SendAsync("job.subscribe", new { job_id = "job_x" }), "JOB_NOT_FOUND");
        await client.ExpectErrorAsync("INVALID_REQUEST", await client.SendAsync("session.list_jobs", new { limit = 0 }));
        await client.SendAsync("job.submit", Keyed);
        (await client.ExpectAsync("job.accepted")).Payload.ToJsonString().Should().Be(once, "it is committed already");
        await client.ExpectHeldAsync();

        gate.Open();
        (await client.ReadNumberedAsync(2)).LogLines().Should().Equal("1", "2");
        (await watcher.ReadNumberedAsync(2)).LogLines().Should().Equal("1", "2");
    }

    [Fact]
    [Trait("Section", "6.6")]
    public async Task Answers_that_show_what_is_not_committed_wait_and_keep_their_order()
    {
        await using DurableHost durable = await CreateAsync();
        await using WireClient client = await durable.Host.OpenAsync();
        await using WireClient watcher = await durable.Host.OpenAsync();
        JobContext job = await BeginAsync(client);
        string jobId = job.JobId.Value;
        await durable.CommittedAsync();
        using var gate = new CommitGate(durable.Store);
        await job.LogAsync("1");
        await gate.ReachedAsync();

        await watcher.SendAsync("session.list_jobs");
        await watcher.SendAsync("job.subscribe", new { job_id = jobId, history = true });
        await watcher.SendAsync("session.list_jobs");
        await watcher.ExpectHeldAsync();
        await client.SendAsync("job.cancel", new { job_id = jobId, reason = "enough" });
        await client.SendAsync("session.list_jobs");
        await client.ExpectHeldAsync();
        await watcher.ExpectHeldAsync();

        gate.Open();
        LastSeqOf(await watcher.ExpectAsync("session.jobs")).Should().Be(("running", 2));
        ((long)(await watcher.ExpectAsync("job.subscribed")).Payload["subscribed_from"]!).Should().Be(2);
        LastSeqOf(await watcher.ExpectAsync("session.jobs")).Should().Be(("running", 2));
        (await watcher.ReadJobAsync(jobId)).Select(frame => frame.Kind ?? frame.FinalStatus).Should().Equal("status", "log", "cancelled");

        List<WireFrame> frames = [];
        while (frames.Count < 4)
        {
            frames.Add((await client.ReceiveAsync())!);
        }

        int cancelled = frames.FindIndex(frame => frame.Type == "job.cancelled");
        int end = frames.FindIndex(frame => frame.IsTerminal);
        int log = frames.FindIndex(frame => frame.Kind == "log");
        cancelled.Should().BeInRange(0, end - 1);
        log.Should().BeInRange(0, end - 1);
        LastSeqOf(frames.Find(frame => frame.Type == "session.jobs")!).Should().Be(("cancelled", 3));
        frames.FindIndex(frame => frame.Type == "session.jobs").Should().BeGreaterThan(cancelled, "answers keep their order");
        await client.ExpectQuietAsync();
    }

    [Fact]
    [Trait("Section", "6.7")]
    public async Task The_last_frame_of_a_connection_waits_and_comes_last()
    {
        await using DurableHost durable = await CreateAsync();
        await using WireClient client = await durable.Host.OpenAsync();
        await using WireClient other = await durable.Host.OpenAsync();
        JobContext job = await BeginAsync(client);
        await durable.CommittedAsync();
        using var gate = new CommitGate(durable.Store);
        await job.LogAsync("1");
        await gate.ReachedAsync();
        await client.ExpectHeldAsync();
        await client.SendAsync("session.close", new { reason = "done" });
        Task<WireFrame?> next = client.ReceiveAsync();
        await other.ExpectHeldAsync();
        next.IsCompleted.Should().BeFalse();

        gate.Open();
        (await next)!.Kind.Should().Be("log", "it has its number");
        await client.ExpectAsync("session.closed");
        await client.ExpectEndAsync();
    }

    private static object Keyed => new { agent = "echo", idempotency_key = "once" };

    private static (string? Status, long LastSeq) LastSeqOf(WireFrame jobs)
    {
        var job = jobs.Payload["jobs"]!.AsArray()[^1]!;
        return ((string?)job["status"], (long)job["last_event_seq"]!);
    }

    private static async Task<WireFrame> SubmitKeyedAsync(WireClient client)
    {
        await client.SendAsync("job.submit", Keyed);
        WireFrame accepted = await client.ExpectAsync("job.accepted");
        await client.ReadJobToEndAsync(accepted.JobId!);
        return accepted;
    }

    private Task<DurableHost> CreateAsync() => DurableHost.CreateAsync(builder => builder.AddAgent("gate", "1", _agent.RunAsync));

    /// <summary>Submits a job that waits, and reads its first event.</summary>
    private async Task<JobContext> BeginAsync(WireClient client)
    {
        WireFrame accepted = await client.SubmitAsync("gate");
        await client.ExpectAsync("job.event");
        return await _agent.BegunAsync(accepted.JobId!);
    }
}
