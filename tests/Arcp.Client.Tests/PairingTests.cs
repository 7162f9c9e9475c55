using System.Text.Json;
using Arcp.Core;

namespace Arcp.Client.Tests;

/// <summary>Which answer belongs to which request, towards each kind of runtime.</summary>
[Trait("§", "CL")]
public sealed class PairingTests
{
    private const string NoSuchAgent = """{"code":"AGENT_NOT_AVAILABLE","message":"no such agent","retryable":true}""";
    private const string NoSuchAgentJob = """{"final_status":"error","code":"AGENT_NOT_AVAILABLE","message":"no such agent","retryable":true}""";

    [Theory]
    [InlineData("session")]
    [InlineData("job")]
    [InlineData("both")]
    public async Task Of_64_outstanding_submits_each_gets_its_own_job_or_refusal_in_any_order(string refusals)
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        await peer.SubmitAsync(client, "job_first"); // from here on the runtime is known to name what it answers
        var random = new Random(1);
        for (int round = 0; round < 34; round++)
        {
            Task<JobHandle>[] submits = [.. Enumerable.Range(0, 64).Select(i => client.SubmitAsync("echo", RawJson.Parse($"{i}")))];
            var frames = new JsonElement[64];
            for (int i = 0; i < 64; i++)
            {
                frames[i] = await peer.ReceiveAsync("job.submit");
            }

            random.Shuffle(frames);
            foreach (JsonElement frame in frames)
            {
                int number = frame.Payload().GetProperty("input").GetInt32();
                if (number % 3 != 0)
                {
                    await peer.AcceptAsync(frame, $"job_{round}_{number}");
                    continue;
                }

                if (refusals is not "job")
                {
                    await peer.SendAsync("session.error", $"\"id\":\"e\",\"request_id\":\"{frame.Id()}\"", NoSuchAgent);
                }

                if (refusals is not "session")
                {
                    await peer.SendAsync("job.error", $"\"id\":\"{frame.Id()}\"", NoSuchAgentJob);
                }
            }

            for (int i = 0; i < 64; i++)
            {
                if (i % 3 == 0)
                {
                    (await Refused(submits[i])).Code.Should().Be(ErrorCode.AgentNotAvailable);
                }
                else
                {
                    JobHandle job = await submits[i].Soon();
                    job.Id.Value.Should().Be($"job_{round}_{i}");
                    await job.DisposeAsync();
                }
            }
        }

        await EndAsync(client, peer);
    }

    [Fact]
    public async Task A_runtime_that_never_named_a_request_gets_one_submit_at_a_time()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        Task<JobHandle>[] submits = [.. Enumerable.Range(0, 3).Select(i => client.SubmitAsync("echo", RawJson.Parse($"{i}")))];
        for (int i = 0; i < 3; i++)
        {
            JsonElement submit = await peer.ReceiveAsync("job.submit");
            int number = submit.Payload().GetProperty("input").GetInt32();

            // A ping comes back before any further submit: none was sent meanwhile.
            await peer.SendAsync("session.ping", "\"id\":\"p\"", """{"nonce":"x"}""");
            await peer.ReceiveAsync("session.pong");
            if (number == 1)
            {
                await peer.SendAsync("session.error", "\"id\":\"e\"", NoSuchAgent);
                (await Refused(submits[1])).Code.Should().Be(ErrorCode.AgentNotAvailable);
            }
            else
            {
                await peer.SendAsync("job.accepted", "\"id\":\"a\"", $$"""{"job_id":"job_{{number}}"}""");
                (await submits[number].Soon()).Id.Value.Should().Be($"job_{number}");
            }
        }

        await EndAsync(client, peer);
    }

    [Fact]
    public async Task Once_a_request_was_named_submits_go_out_together_also_those_that_waited()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        Task<JobHandle>[] submits = [.. Enumerable.Range(0, 10).Select(i => client.SubmitAsync("echo", RawJson.Parse($"{i}")))];
        JsonElement first = await peer.ReceiveAsync("job.submit");
        await peer.AcceptAsync(first, $"job_{first.Payload().GetProperty("input").GetInt32()}");
        var frames = new List<JsonElement>();
        for (int i = 1; i < 10; i++)
        {
            frames.Add(await peer.ReceiveAsync("job.submit"));
        }

        frames.Reverse();
        foreach (JsonElement frame in frames)
        {
            await peer.SendAsync("job.accepted", "\"id\":\"a\"", $$"""{"job_id":"job_{{frame.Payload().GetProperty("input").GetInt32()}}","request_id":"{{frame.Id()}}"}""");
        }

        await BecomeAsync(submits, [.. Enumerable.Range(0, 10).Select(i => $"job_{i}")]);

        await EndAsync(client, peer);
    }

    [Theory]
    [InlineData("reply_to")]
    [InlineData("request_id")]
    public async Task The_envelope_names_the_request_under_either_name(string member)
    {
        (ArcpClient client, ScriptedPeer peer, JsonElement[] frames, Task<JobHandle>[] submits) = await TwoOutstandingAsync();
        await peer.SendAsync("job.accepted", $"\"{member}\":\"{frames[1].Id()}\"", """{"job_id":"b"}""");
        await peer.SendAsync("job.accepted", $"\"{member}\":\"{frames[0].Id()}\"", """{"job_id":"a"}""");
        await BecomeAsync(submits, "a", "b");
        await EndAsync(client, peer);
    }

    [Fact]
    public async Task An_acceptance_that_names_no_request_goes_by_its_trace()
    {
        (ArcpClient client, ScriptedPeer peer, JsonElement[] frames, Task<JobHandle>[] submits) = await TwoOutstandingAsync();
        await peer.SendAsync("job.accepted", $"\"trace_id\":\"{frames[1].Trace()}\"", """{"job_id":"b"}""");
        await peer.SendAsync("job.accepted", "\"id\":\"x\"", $$"""{"job_id":"a","trace_id":"{{frames[0].Trace()}}"}""");
        await BecomeAsync(submits, "a", "b");
        await EndAsync(client, peer);
    }

    [Fact]
    public async Task An_acceptance_without_any_hint_goes_to_the_oldest_submit()
    {
        (ArcpClient client, ScriptedPeer peer, _, Task<JobHandle>[] submits) = await TwoOutstandingAsync();
        await peer.SendAsync("job.accepted", "\"trace_id\":\"ffffffffffffffffffffffffffffffff\"", """{"job_id":"a"}""");
        await peer.SendAsync("job.accepted", "\"id\":\"x\"", """{"job_id":"b"}""");
        await BecomeAsync(submits, "a", "b");
        await EndAsync(client, peer);
    }

    [Fact]
    public async Task A_trace_that_several_submits_share_tells_nothing()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        await peer.SubmitAsync(client, "job_first");
        var options = new SubmitOptions { Trace = TraceContext.New() };
        Task<JobHandle> first = client.SubmitAsync("echo", options: options);
        await peer.ReceiveAsync("job.submit");
        Task<JobHandle> second = client.SubmitAsync("echo", options: options);
        JsonElement frame = await peer.ReceiveAsync("job.submit");
        await peer.SendAsync("job.accepted", $"\"trace_id\":\"{frame.Trace()}\"", """{"job_id":"a"}""");
        await peer.SendAsync("job.accepted", $"\"trace_id\":\"{frame.Trace()}\"", """{"job_id":"b"}""");
        await BecomeAsync([first, second], "a", "b");
        await EndAsync(client, peer);
    }

    [Theory]
    [InlineData("""{"job_id":"child","delegate_id":"d"}""")]
    [InlineData("""{"job_id":"child","parent_job_id":"job_first"}""")]
    [InlineData("""{"job_id":"child","request_id":"msg_of_somebody"}""")]
    public async Task A_delegated_or_foreign_acceptance_answers_no_submit(string payload)
    {
        (ArcpClient client, ScriptedPeer peer, _, Task<JobHandle>[] submits) = await TwoOutstandingAsync();
        await peer.SendAsync("job.accepted", "\"id\":\"x\"", payload);
        await peer.SendAsync("job.error", "\"id\":\"y\",\"job_id\":\"child\"", """{"final_status":"error","code":"TIMEOUT","message":"child"}""");
        await peer.SendAsync("job.accepted", "\"id\":\"x\"", """{"job_id":"a"}""");
        await peer.SendAsync("job.accepted", "\"id\":\"x\"", """{"job_id":"b"}""");
        await BecomeAsync(submits, "a", "b");
        await EndAsync(client, peer);
    }

    [Fact]
    public async Task A_submit_that_names_a_parent_is_answered_by_an_acceptance_with_that_parent()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        Task<JobHandle> submitting = client.SubmitAsync("echo", options: new SubmitOptions { ParentJobId = new("p") });
        await peer.ReceiveAsync("job.submit");
        await peer.SendAsync("job.accepted", "\"id\":\"x\"", """{"job_id":"a","parent_job_id":"p"}""");
        (await submitting.Soon()).ParentJobId!.Value.Value.Should().Be("p");
        await EndAsync(client, peer);
    }

    [Theory]
    [InlineData("session.error", "\"id\":\"e\"", """{"code":"DUPLICATE_KEY","message":"m"}""")]
    [InlineData("session.error", "\"id\":\"e\",\"request_id\":\"<id>\"", """{"code":"DUPLICATE_KEY","message":"m"}""")]
    [InlineData("session.error", "\"id\":\"e\",\"reply_to\":\"<id>\"", """{"code":"DUPLICATE_KEY","message":"m"}""")]
    [InlineData("session.error", "\"id\":\"e\"", """{"code":"DUPLICATE_KEY","message":"m","request_id":"<id>"}""")]
    [InlineData("session.error", "\"id\":\"e\",\"trace_id\":\"<trace>\"", """{"code":"DUPLICATE_KEY","message":"m"}""")]
    [InlineData("job.error", "\"id\":\"<id>\"", """{"code":"DUPLICATE_KEY","message":"m"}""")]
    [InlineData("job.error", "\"id\":\"e\"", """{"code":"DUPLICATE_KEY","message":"m"}""")]
    [InlineData("job.error", "\"id\":\"e\",\"request_id\":\"<id>\"", """{"code":"DUPLICATE_KEY","message":"m"}""")]
    [InlineData("job.error", "\"id\":\"e\",\"job_id\":\"unknown\"", """{"code":"DUPLICATE_KEY","message":"m","final_status":"error"}""")]
    [InlineData("job.error", "\"id\":\"e\",\"job_id\":\"job_first\"", """{"code":"DUPLICATE_KEY","message":"m","final_status":"error"}""")]
    [InlineData("job.error", "\"id\":\"<id>\",\"job_id\":\"job_first\"", """{"code":"DUPLICATE_KEY","message":"m","final_status":"error"}""")]
    [InlineData("job.error", "\"id\":\"<id>\"", """{"code":"DUPLICATE_KEY","message":7}""")]
    [InlineData("job.accepted", "\"request_id\":\"<id>\"", """{"job_id":7}""")]
    public async Task Each_form_of_refusal_refuses_its_submit_and_no_running_job(string type, string members, string payload)
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        JobHandle running = await peer.SubmitAsync(client, "job_first");
        Task<JobHandle> refused = client.SubmitAsync("echo", options: new SubmitOptions { IdempotencyKey = "k" });
        JsonElement frame = await peer.ReceiveAsync("job.submit");
        await peer.SendAsync(type, Fill(members), Fill(payload));
        ArcpException error = await Refused(refused);
        error.Code.Value.Should().Be(payload.Contains("\"m\"", StringComparison.Ordinal) ? "DUPLICATE_KEY" : "INTERNAL_ERROR");
        error.Message.Should().NotBeEmpty();

        await peer.ResultAsync("job_first", "1");
        (await running.GetResultAsync().Soon()).ToString().Should().Be("1");
        await EndAsync(client, peer);

        string Fill(string text) => text.Replace("<id>", frame.Id(), StringComparison.Ordinal).Replace("<trace>", frame.Trace(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("session.error", "\"id\":\"e\"", "job.error", "\"id\":\"<id>\"")]
    [InlineData("session.error", "\"id\":\"e\"", "job.error", "\"id\":\"f\"")]
    [InlineData("session.error", "\"request_id\":\"<id>\"", "job.error", "\"id\":\"f\"")]
    [InlineData("session.error", "\"request_id\":\"<id>\"", "job.error", "\"id\":\"<id>\"")]
    [InlineData("job.error", "\"id\":\"<id>\"", "session.error", "\"id\":\"e\"")]
    [InlineData("job.error", "\"id\":\"e\"", "session.error", "\"request_id\":\"<id>\"")]
    [InlineData("job.error", "\"id\":\"e\"", "session.error", "\"id\":\"e\"")]
    [InlineData("session.error", "\"id\":\"e\"", "job.error", "\"id\":\"f\",\"job_id\":\"unknown\"")]
    public async Task Both_forms_of_one_refusal_refuse_one_submit(string type, string members, string twinType, string twinMembers)
    {
        (ArcpClient client, ScriptedPeer peer, JsonElement[] frames, Task<JobHandle>[] submits) = await TwoOutstandingAsync();
        await peer.SendAsync(type, Fill(members), NoSuchAgent);
        await Refused(submits[0]);
        Task<JobHandle> third = client.SubmitAsync("echo");
        await peer.ReceiveAsync("job.submit");
        await peer.SendAsync(twinType, Fill(twinMembers), NoSuchAgent);
        await peer.SendAsync("job.accepted", "\"id\":\"x\"", """{"job_id":"b"}""");
        await peer.SendAsync("job.accepted", "\"id\":\"x\"", """{"job_id":"c"}""");
        await BecomeAsync([submits[1], third], "b", "c");
        await EndAsync(client, peer);

        string Fill(string text) => text.Replace("<id>", frames[0].Id(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("session.error")]
    [InlineData("job.error")]
    public async Task Two_refusals_of_one_form_refuse_two_submits(string type)
    {
        (ArcpClient client, ScriptedPeer peer, _, Task<JobHandle>[] submits) = await TwoOutstandingAsync();
        await peer.SendAsync(type, "\"id\":\"e\"", NoSuchAgent);
        await peer.SendAsync(type, "\"id\":\"f\"", NoSuchAgent);
        await Refused(submits[0]);
        await Refused(submits[1]);
        await EndAsync(client, peer);
    }

    [Fact]
    public async Task A_refusal_of_a_forgotten_request_refuses_no_other()
    {
        (ArcpClient client, ScriptedPeer peer, _, Task<JobHandle>[] submits) = await TwoOutstandingAsync();
        await peer.SendAsync("session.error", "\"request_id\":\"msg_gone\"", NoSuchAgent);
        await peer.SendAsync("job.accepted", "\"id\":\"x\"", """{"job_id":"a"}""");
        (await submits[0].Soon()).Id.Value.Should().Be("a");
        await EndAsync(client, peer);
    }

    [Fact]
    public async Task An_error_that_answers_nothing_is_ignored_and_no_job_fails_by_it()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        JobHandle job = await peer.SubmitAsync(client, "job_first");
        await peer.SendAsync("session.error", "\"id\":\"e\"", NoSuchAgent);
        await peer.SendAsync("job.error", "\"id\":\"e\"", NoSuchAgent);
        await peer.SendAsync("job.error", "\"id\":\"e\",\"job_id\":\"unknown\"", NoSuchAgent);
        await peer.ResultAsync("job_first", "1");
        (await job.GetResultAsync().Soon()).ToString().Should().Be("1");
        await EndAsync(client, peer);
    }

    [Fact]
    public async Task The_end_of_a_child_or_of_a_job_let_go_refuses_no_pending_submit()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        JobHandle parent = await peer.SubmitAsync(client, "job_first");
        JobHandle gone = await peer.SubmitAsync(client, "job_gone");
        await gone.DisposeAsync();
        await peer.EventAsync("job_first", "delegate", """{"delegate_id":"d","child_job_id":"job_child","agent":"x"}""");
        Task<JobHandle> submitting = client.SubmitAsync("echo");
        JsonElement frame = await peer.ReceiveAsync("job.submit");
        await peer.SendAsync("job.error", "\"id\":\"e\",\"job_id\":\"job_child\"", """{"final_status":"error","code":"TIMEOUT","message":"m"}""");
        await peer.SendAsync("job.error", "\"id\":\"e\",\"job_id\":\"job_gone\"", """{"final_status":"error","code":"TIMEOUT","message":"m"}""");
        await peer.AcceptAsync(frame, "job_new");
        (await submitting.Soon()).Id.Value.Should().Be("job_new");
        parent.Status.Should().Be(JobStatus.Running);
        await EndAsync(client, peer);
    }

    [Fact]
    public async Task Frames_that_come_before_their_acceptance_are_delivered()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        Task<JobHandle> submitting = client.SubmitAsync("echo");
        JsonElement frame = await peer.ReceiveAsync("job.submit");
        await peer.LogAsync("job_1", "one");
        await peer.LogAsync("job_other", "noise");
        await peer.SendAsync("job.error", "\"id\":\"t\",\"job_id\":\"job_1\"", """{"final_status":"timed_out","code":"TIMEOUT","message":"slow"}""");
        await peer.AcceptAsync(frame, "job_1");
        JobHandle job = await submitting.Soon();
        (await job.Events.ToListAsync().Soon()).Should().ContainSingle();
        (await Throws<ArcpException>(() => job.GetResultAsync().Soon())).Code.Should().Be(ErrorCode.Timeout);
        job.Status.Should().Be(JobStatus.TimedOut);
        await EndAsync(client, peer);
    }

    [Fact]
    public async Task Too_many_early_frames_fail_that_handle_and_leave_no_silent_gap()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        Task<JobHandle> submitting = client.SubmitAsync("echo");
        JsonElement frame = await peer.ReceiveAsync("job.submit");
        for (int i = 0; i < 1100; i++)
        {
            await peer.LogAsync("job_1", "early");
        }

        await peer.AcceptAsync(frame, "job_1");
        JobHandle job = await submitting.Soon();
        await Throws<ArcpConnectionException>(() => job.GetResultAsync().Soon());
        await Throws<ArcpConnectionException>(() => job.Events.ToListAsync().Soon());

        JobHandle next = await peer.SubmitAsync(client, "job_2");
        await peer.ResultAsync("job_2", "2");
        (await next.GetResultAsync().Soon()).ToString().Should().Be("2");
        await EndAsync(client, peer);
    }

    [Theory]
    [InlineData("\"request_id\":\"<id>\"")]
    [InlineData("\"reply_to\":\"<id>\",\"event_seq\":1")]
    public async Task A_terminal_that_names_the_submit_it_came_from_ends_the_job(string members)
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        Task<JobHandle> submitting = client.SubmitAsync("echo");
        JsonElement submit = await peer.ReceiveAsync("job.submit");
        await peer.AcceptAsync(submit, "job_1");
        JobHandle job = await submitting.Soon();
        await peer.SendAsync("job.error", $"\"job_id\":\"job_1\",{members.Replace("<id>", submit.Id(), StringComparison.Ordinal)}", """{"final_status":"error","code":"LEASE_EXPIRED","message":"m"}""");
        (await Throws<ArcpException>(() => job.GetResultAsync().Soon())).Code.Should().Be(ErrorCode.LeaseExpired);
        await EndAsync(client, peer);
    }

    [Fact]
    public async Task A_second_terminal_of_a_job_refuses_no_pending_submit()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        await peer.SubmitAsync(client, "job_1");
        Task<JobHandle> submitting = client.SubmitAsync("echo", options: new SubmitOptions { IdempotencyKey = "k" });
        JsonElement submit = await peer.ReceiveAsync("job.submit");
        await peer.SendAsync("job.error", "\"id\":\"e\",\"job_id\":\"job_1\"", """{"final_status":"error","code":"TIMEOUT","message":"m"}""");
        await peer.SendAsync("job.error", "\"id\":\"e\",\"job_id\":\"job_1\"", """{"final_status":"error","code":"TIMEOUT","message":"m"}""");
        await peer.AcceptAsync(submit, "job_2");
        (await submitting.Soon()).Id.Value.Should().Be("job_2");
        await EndAsync(client, peer);
    }

    [Fact]
    [Trait("§", "7.2")]
    public async Task A_repeated_submit_gets_a_handle_of_the_same_job()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        JobHandle first = await peer.SubmitAsync(client, "job_1", new SubmitOptions { IdempotencyKey = "k" });
        JobHandle second = await peer.SubmitAsync(client, "job_1", new SubmitOptions { IdempotencyKey = "k" });
        await first.DisposeAsync();
        await peer.ResultAsync("job_1", "3");
        (await second.GetResultAsync().Soon()).ToString().Should().Be("3");
        await EndAsync(client, peer);
    }

    private static async Task<(ArcpClient Client, ScriptedPeer Peer, JsonElement[] Frames, Task<JobHandle>[] Submits)> TwoOutstandingAsync()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        await peer.SubmitAsync(client, "job_first");
        var frames = new JsonElement[2];
        var submits = new Task<JobHandle>[2];
        for (int i = 0; i < 2; i++)
        {
            submits[i] = client.SubmitAsync("echo");
            frames[i] = await peer.ReceiveAsync("job.submit");
        }

        return (client, peer, frames, submits);
    }

    private static async Task BecomeAsync(Task<JobHandle>[] submits, params string[] jobs) =>
        (await Task.WhenAll(submits).Soon()).Select(job => job.Id.Value).Should().Equal(jobs);

    private static Task<ArcpException> Refused(Task<JobHandle> submit) => Throws<ArcpException>(() => submit.Soon());

    private static async Task<T> Throws<T>(Func<Task> act)
        where T : Exception => (await act.Should().ThrowAsync<T>()).Which;

    private static async Task EndAsync(ArcpClient client, ScriptedPeer peer)
    {
        await peer.DisposeAsync();
        await client.DisposeAsync();
    }
}
