using System.Text.Json;
using Arcp.Core;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Storage;

/// <summary>A restart loses nothing that a client has seen.</summary>
public class RestartTests
{
    private const string Interrupted = "the runtime restarted while the job ran";

    [Fact]
    [Trait("Section", "6.3")]
    public async Task A_session_is_resumed_with_its_numbers_and_its_interrupted_job_ends()
    {
        var agent = new GatedAgent();
        await using DurableHost durable = await DurableHost.CreateAsync(builder => builder.AddAgent("gate", "1", agent.RunAsync));
        WireClient client = await durable.Host.OpenAsync();
        List<WireFrame> first = await client.RunJobAsync("count", new { n = 5 });
        string jobId = (await client.SubmitAsync("gate")).JobId!;
        await (await agent.BegunAsync(jobId)).LogAsync("seen");
        List<WireFrame> seen = [.. first.Where(frame => frame.EventSeq is not null), await client.ExpectAsync("job.event"), await client.ExpectAsync("job.event")];
        await durable.RestartAsync();

        await using WireClient resumed = durable.Host.Connect();
        WireFrame welcome = await resumed.ResumeAsync(client.ResumeToken, 0);
        welcome.SessionId.Should().Be(client.SessionId);
        List<WireFrame> again = [];
        while (again.Count < seen.Count)
        {
            WireFrame frame = (await resumed.ReceiveAsync())!;
            if (frame.EventSeq is not null)
            {
                again.Add(frame);
            }
        }

        again.Select(frame => frame.Text).Should().Equal(seen.Select(frame => frame.Text), "byte for byte");
        WireFrame end = await resumed.ExpectAsync("job.error");
        end.EventSeq.Should().Be(seen.Count + 1);
        end.JobId.Should().Be(jobId);
        (end.Code, end.FinalStatus, end.Message, (bool)end.Payload["retryable"]!).Should().Be(("INTERNAL_ERROR", "error", Interrupted, true));
        await resumed.ExpectQuietAsync();

        List<WireFrame> next = await resumed.RunJobAsync("echo", 1);
        next[1].EventSeq.Should().Be(seen.Count + 2, "numbers go on");
        agent.Runs.Should().Be(1);
        await client.DisposeAsync();
    }

    [Fact]
    [Trait("Section", "6.6")]
    public async Task Jobs_are_listed_and_their_history_is_there()
    {
        await using DurableHost durable = await DurableHost.CreateAsync();
        await using WireClient client = await durable.Host.OpenAsync();
        List<WireFrame> done = await client.RunJobAsync("count", new { n = 300 });
        string running = (await client.SubmitAsync("wait")).JobId!;
        await client.ExpectAsync("job.event");
        await durable.RestartAsync();

        await using WireClient other = await durable.Host.OpenAsync();
        await other.SendAsync("session.list_jobs", new { });
        JsonElement jobs = JsonDocument.Parse((await other.ExpectAsync("session.jobs")).Raw("jobs")).RootElement;
        jobs.EnumerateArray().Select(job => (job.GetProperty("job_id").GetString(), job.GetProperty("status").GetString(), job.GetProperty("last_event_seq").GetInt64()))
            .Should().Equal((done[0].JobId, "success", 302), (running, "error", 2));

        await other.SendAsync("job.subscribe", new { job_id = done[0].JobId, history = true });
        WireFrame subscribed = await other.ExpectAsync("job.subscribed");
        ((string?)subscribed.Payload["current_status"]).Should().Be("success");
        List<WireFrame> history = await other.ReadJobAsync(done[0].JobId!);
        history.Select(frame => frame.Id).Should().Equal(done.Skip(1).Select(frame => frame.Id)).And.HaveCount(302);
    }

    [Fact]
    [Trait("Section", "7.2")]
    public async Task A_repeated_submit_is_answered_with_the_same_bytes()
    {
        int runs = 0;
        await using DurableHost durable = await DurableHost.CreateAsync(builder => builder.AddAgent("counted", "1", (job, _) =>
        {
            runs++;
            return Task.FromResult<RawJson?>(job.Input);
        }));
        object submit = new { agent = "counted", input = new { a = 1 }, idempotency_key = "k", lease_request = new Dictionary<string, string[]> { ["fs.read"] = ["/data/**"] } };
        await using WireClient client = await durable.Host.OpenAsync();
        await client.SendAsync("job.submit", submit);
        WireFrame accepted = await client.ExpectAsync("job.accepted");
        await client.ReadJobToEndAsync(accepted.JobId!);
        await durable.RestartAsync();

        await using WireClient other = await durable.Host.OpenAsync();
        string request = await other.SendAsync("job.submit", submit);
        WireFrame again = await other.ExpectAsync("job.accepted");
        PayloadOf(again).Should().Be(PayloadOf(accepted));
        again.TraceId.Should().Be(accepted.TraceId);
        ((string?)again.Json["request_id"]).Should().Be(request);
        runs.Should().Be(1);

        request = await other.SendAsync("job.submit", new { agent = "counted", input = new { a = 2 }, idempotency_key = "k" });
        await other.ExpectRefusalAsync(request, "DUPLICATE_KEY");
    }

    [Fact]
    [Trait("Section", "7.1")]
    public async Task An_acceptance_that_was_lost_with_the_process_comes_again_before_the_jobs_frames()
    {
        await using DurableHost durable = await DurableHost.CreateAsync();
        var kept = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using WireClient client = await durable.Host.OpenAsync();
        durable.Store.AfterCommit = changes =>
        {
            if (!changes.Any(change => change is Arcp.Runtime.Storage.StoreChange.JobAdded))
            {
                return Task.CompletedTask;
            }

            kept.SetResult();
            return new TaskCompletionSource().Task; // the process dies before it goes on
        };
        string request = await client.SendAsync("job.submit", new { agent = "echo", idempotency_key = "k" });
        await kept.Task.WaitAsync(WireClient.Patience);
        await durable.RestartAsync();

        await using WireClient resumed = durable.Host.Connect();
        await resumed.ResumeAsync(client.ResumeToken, 0);
        WireFrame accepted = await resumed.ExpectAsync("job.accepted");
        ((string?)accepted.Json["request_id"]).Should().Be(request);
        WireFrame end = await resumed.ExpectAsync("job.error");
        (end.JobId, end.EventSeq, end.Message).Should().Be((accepted.JobId, 1, Interrupted));

        await resumed.SendAsync("job.submit", new { agent = "echo", idempotency_key = "k" });
        PayloadOf(await resumed.ExpectAsync("job.accepted")).Should().Be(PayloadOf(accepted));
    }

    private static string PayloadOf(WireFrame frame)
    {
        using JsonDocument document = JsonDocument.Parse(frame.Text);
        return document.RootElement.GetProperty("payload").GetRawText();
    }
}
