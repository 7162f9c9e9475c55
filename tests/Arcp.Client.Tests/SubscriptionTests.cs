using System.Text.Json;
using Arcp.Core;
using Arcp.Core.Ids;
using static Arcp.Client.Tests.ReconnectTests;

namespace Arcp.Client.Tests;

[Trait("§", "7.6")]
public sealed class SubscriptionTests
{
    [Theory]
    [InlineData(null, null, """{"job_id":"job_1","history":false}""")]
    [InlineData(null, true, """{"job_id":"job_1","from_event_seq":0,"history":true}""")]
    [InlineData(4L, null, """{"job_id":"job_1","from_event_seq":4,"history":true}""")]
    [InlineData(4L, false, """{"job_id":"job_1","history":false}""")]
    public async Task A_subscription_asks_for_the_part_of_the_past_that_is_wanted(long? from, bool? history, string payload)
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        Task<Subscription> subscribing = client.SubscribeAsync(new JobId("job_1"), new() { FromEventSeq = from, History = history });
        JsonElement subscribe = await peer.ReceiveAsync("job.subscribe");
        subscribe.Payload().GetRawText().Should().Be(payload);
        subscribe.GetProperty("job_id").GetString().Should().Be("job_1");
        await SubscribedAsync(peer, subscribe, 5, replayed: from == 4 && history != false);
        Subscription job = await subscribing.Soon();
        (job.Id.Value, job.Agent, job.Status, job.SubscribedFrom).Should().Be(("job_1", "echo@1.0.0", JobStatus.Running, 5));
        await LogAsync(peer, "job_1", 1);
        await peer.ResultAsync("job_1", "7");
        (await Messages(job)).Should().Equal("1");
        (await job.GetResultAsync<int>().Soon()).Should().Be(7);
        job.Status.Should().Be(JobStatus.Success);
        await EndAsync(client, peer);
    }

    [Fact]
    public async Task Disposing_unsubscribes_once_and_not_after_the_jobs_end()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        Subscription first = await SubscribeAsync(client, peer, "job_1");
        Subscription second = await SubscribeAsync(client, peer, "job_1");
        Subscription ended = await SubscribeAsync(client, peer, "job_2");
        await peer.ResultAsync("job_2", "1");
        await ended.GetResultAsync().Soon();
        Task<RawJson> waiter = first.GetResultAsync();
        await first.DisposeAsync();
        await Throws<ObjectDisposedException>(() => waiter.Soon());
        await ended.DisposeAsync();
        await second.DisposeAsync();
        await second.DisposeAsync();
        (await peer.ReceiveAsync("job.unsubscribe")).Payload().GetProperty("job_id").GetString().Should().Be("job_1");
        Task closing = client.CloseAsync();
        await peer.ReceiveAsync("session.close");
        await peer.CloseAsync();
        await closing.Soon();
        client.Counts.Should().Be((0, 0));
    }

    [Fact]
    public async Task A_handle_of_ones_own_job_is_let_go_without_unsubscribing()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        await (await peer.SubmitAsync(client, "job_1")).DisposeAsync();
        Task closing = client.CloseAsync();
        await peer.ReceiveAsync("session.close");
        await peer.CloseAsync();
        await closing.Soon();
    }

    [Theory]
    [InlineData("session.error", "\"request_id\":\"<id>\"")]
    [InlineData("job.error", "\"id\":\"<id>\"")]
    [InlineData("job.error", "\"id\":\"<id>\",\"job_id\":\"job_1\"")]
    [InlineData("session.error", "\"id\":\"e\",\"job_id\":\"job_1\"")]
    public async Task A_refusal_in_any_form_fails_the_subscription_only(string type, string members)
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        JobHandle other = await peer.SubmitAsync(client, "job_0");
        Task<Subscription> subscribing = client.SubscribeAsync(new JobId("job_1"));
        JsonElement subscribe = await peer.ReceiveAsync("job.subscribe");
        await peer.SendAsync(type, members.Replace("<id>", subscribe.Id(), StringComparison.Ordinal), """{"code":"PERMISSION_DENIED","message":"not yours","final_status":"error"}""");
        (await Throws<ArcpException>(() => subscribing.Soon())).Code.Should().Be(ErrorCode.PermissionDenied);
        await peer.ResultAsync("job_0", "1");
        (await other.GetResultAsync<int>().Soon()).Should().Be(1);
        client.Counts.Should().Be((0, 1));
        await EndAsync(client, peer);
    }

    [Fact]
    [Trait("§", "CL")]
    public async Task History_and_terminal_may_come_before_the_answer_whose_job_may_stand_on_the_envelope()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        Task<Subscription> subscribing = client.SubscribeAsync(new JobId("job_1"), new() { History = true });
        await peer.ReceiveAsync("job.subscribe");
        await LogAsync(peer, "job_1", 1);
        await LogAsync(peer, "job_1", 2);
        await peer.SendAsync("job.error", "\"job_id\":\"job_1\",\"event_seq\":3", """{"final_status":"error","code":"TIMEOUT","message":"m"}""");
        await peer.SendAsync("job.subscribed", "\"job_id\":\"job_1\"", """{"current_status":"error"}""");
        Subscription job = await subscribing.Soon();
        (await Messages(job)).Should().Equal("1", "2");
        (await Throws<ArcpException>(() => job.GetResultAsync().Soon())).Code.Should().Be(ErrorCode.Timeout);
        await EndAsync(client, peer);
    }

    [Fact]
    [Trait("§", "CL")]
    public async Task The_job_of_an_acceptance_and_of_a_cancel_may_stand_on_the_envelope_only()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        Task<JobHandle> submitting = client.SubmitAsync("echo");
        JsonElement submit = await peer.ReceiveAsync("job.submit");
        await peer.SendAsync("job.accepted", $"\"job_id\":\"job_1\",\"request_id\":\"{submit.Id()}\"", """{"agent":"echo"}""");
        JobHandle job = await submitting.Soon();
        job.Id.Value.Should().Be("job_1");
        Task<JobStatus> cancelling = job.CancelAsync();
        await peer.ReceiveAsync("job.cancel");
        await peer.SendAsync("job.cancelled", "\"job_id\":\"job_1\"", "{}");
        await peer.SendAsync("job.error", "\"job_id\":\"job_1\"", """{"final_status":"cancelled","code":"CANCELLED","message":"m"}""");
        (await cancelling.Soon()).Should().Be(JobStatus.Cancelled);

        submitting = client.SubmitAsync("echo");
        submit = await peer.ReceiveAsync("job.submit");
        await peer.SendAsync("job.accepted", $"\"request_id\":\"{submit.Id()}\"", """{"agent":"echo"}""");
        (await Throws<ArcpException>(() => submitting.Soon())).Message.Should().Contain("job_id");
        await EndAsync(client, peer);
    }

    [Fact]
    public async Task A_subscription_beside_a_handle_has_the_same_events_once_from_where_it_asked()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        JobHandle handle = await peer.SubmitAsync(client, "job_1");
        await LogAsync(peer, "job_1", 1);
        await LogAsync(peer, "job_1", 2);
        Subscription fromOne = await SubscribeAsync(client, peer, "job_1", new() { FromEventSeq = 1 });
        Subscription fromNow = await SubscribeAsync(client, peer, "job_1");
        await LogAsync(peer, "job_1", 3);
        await handle.DisposeAsync();
        await peer.SendAsync("job.result", "\"job_id\":\"job_1\",\"event_seq\":4", """{"final_status":"success","result":1}""");
        (await Messages(fromOne)).Should().Equal("2", "3");
        (await Messages(fromNow)).Should().Equal("3");
        await EndAsync(client, peer);
    }

    [Fact]
    public async Task A_view_of_a_job_that_was_let_go_before_says_that_events_have_gone_by()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        await (await peer.SubmitAsync(client, "job_1")).DisposeAsync();
        await LogAsync(peer, "job_1", 1);
        await peer.SendAsync("session.ping", "\"id\":\"p\"", """{"nonce":"x"}""");
        await peer.ReceiveAsync("session.pong"); // the event has gone by
        Subscription late = await SubscribeAsync(client, peer, "job_1", new() { FromEventSeq = 0 });
        await LogAsync(peer, "job_1", 2, "3");
        await peer.SendAsync("job.result", "\"job_id\":\"job_1\",\"event_seq\":3", """{"final_status":"success","result":1}""");
        (await Messages(late)).Should().Equal("3");
        late.MayMissEvents.Should().BeTrue();
        await EndAsync(client, peer);
    }

    [Fact]
    public async Task Frames_of_an_ended_subscription_that_are_still_on_the_way_are_not_taken_for_the_next_ones()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        Subscription first = await SubscribeAsync(client, peer, "job_1");
        await first.DisposeAsync();
        await peer.ReceiveAsync("job.unsubscribe");
        Task<Subscription> subscribing = client.SubscribeAsync(new JobId("job_1"), new() { FromEventSeq = 1 });
        JsonElement subscribe = await peer.ReceiveAsync("job.subscribe");
        await LogAsync(peer, "job_1", 1, "3");
        await SubscribedAsync(peer, subscribe, 3, replayed: true);
        await LogAsync(peer, "job_1", 2, "2");
        await LogAsync(peer, "job_1", 3, "3");
        await peer.SendAsync("job.result", "\"job_id\":\"job_1\",\"event_seq\":4", """{"final_status":"success","result":1}""");
        (await Messages(await subscribing.Soon())).Should().Equal("2", "3");
        await EndAsync(client, peer);
    }

    [Fact]
    public async Task A_subscription_is_not_told_of_dropped_events_below_where_it_begins()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync(new() { MaxEventsPerJob = 2 });
        JobHandle handle = await peer.SubmitAsync(client, "job_1");
        foreach (int seq in new[] { 1, 2, 3, 4 })
        {
            await LogAsync(peer, "job_1", seq);
        }

        Subscription fromTwo = await SubscribeAsync(client, peer, "job_1", new() { FromEventSeq = 2 });
        await peer.SendAsync("job.result", "\"job_id\":\"job_1\",\"event_seq\":5", """{"final_status":"success","result":1}""");
        (await Messages(fromTwo)).Should().Equal("3", "4");
        await Throws<EventsDroppedException>(() => Messages(handle));
        await EndAsync(client, peer);
    }

    [Fact]
    public async Task A_subscription_that_is_given_up_is_taken_back()
    {
        var clock = new ManualClock();
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync(new() { TimeProvider = clock, Features = FeatureNames.All & ~Features.Heartbeat });
        Task<Subscription> subscribing = client.SubscribeAsync(new JobId("job_1"));
        JsonElement subscribe = await peer.ReceiveAsync("job.subscribe");
        clock.Advance(TimeSpan.FromSeconds(61));
        await Throws<TimeoutException>(() => subscribing.Soon());
        (await peer.ReceiveAsync("job.unsubscribe")).Payload().GetProperty("job_id").GetString().Should().Be("job_1");
        await SubscribedAsync(peer, subscribe, 0, replayed: false);
        await SubscribeAsync(client, peer, "job_1");
        await EndAsync(client, peer);
    }

    [Fact]
    [Trait("§", "6.2")]
    public async Task What_is_not_negotiated_is_not_asked_for()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync(welcome: """{"type":"session.welcome","session_id":"s","payload":{}}""");
        (await Throws<ArcpException>(() => client.SubscribeAsync(new JobId("job_1")).Soon())).Message.Should().Contain("subscribe");
        (await Throws<ArcpException>(() => client.ListJobsAsync().ToListAsync().AsTask().Soon())).Message.Should().Contain("list_jobs");
        await Throws<ArgumentException>(() => client.SubscribeAsync(default).Soon());
        await Throws<ArgumentException>(() => client.SubscribeAsync(new JobId("j"), new() { FromEventSeq = -1 }).Soon());
        await EndAsync(client, peer);
    }

    [Fact]
    [Trait("§", "6.6")]
    public async Task A_listing_follows_its_cursors_over_short_and_empty_pages()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        var filter = new JobListFilter { Statuses = [JobStatus.Running, JobStatus.Success], Agent = "echo", CreatedAfter = DateTimeOffset.UnixEpoch, PageSize = 2 };
        Task<List<string>> listing = client.ListJobsAsync(filter).Select(job => job.JobId.Value).ToListAsync().AsTask();
        (string Jobs, string Next)[] pages = [("""[{"job_id":"a"}]""", "\"1\""), ("[]", "\"2\""), ("null", "\"3\""), ("""[{"job_id":"b"},{"job_id":"c"}]""", "null")];
        for (int i = 0; i < pages.Length; i++)
        {
            JsonElement list = await peer.ReceiveAsync("session.list_jobs");
            list.Payload().GetRawText().Should().Be(
                $$"""{"filter":{"status":["running","success"],"agent":"echo","created_after":"1970-01-01T00:00:00.000Z"},"limit":2{{(i == 0 ? "" : $",\"cursor\":\"{i}\"")}}}""");
            await peer.SendAsync("session.jobs", i % 2 == 0 ? $"\"request_id\":\"{list.Id()}\"" : "\"id\":\"x\"", $$"""{"jobs":{{pages[i].Jobs}},"next_cursor":{{pages[i].Next}}}""");
        }

        (await listing.Soon()).Should().Equal("a", "b", "c");

        Task<List<Core.Messages.JobSummary>> stuck = client.ListJobsAsync().ToListAsync().AsTask();
        for (int i = 0; i < 2; i++)
        {
            JsonElement list = await peer.ReceiveAsync("session.list_jobs");
            await peer.SendAsync("session.jobs", $"\"request_id\":\"{list.Id()}\"", """{"jobs":[],"next_cursor":"same"}""");
        }

        await Throws<ArcpException>(() => stuck.Soon());
        await Throws<ArgumentException>(async () => await client.ListJobsAsync(new() { PageSize = 0 }).ToListAsync());
        await EndAsync(client, peer);
    }

    [Fact]
    [Trait("§", "10")]
    public async Task What_belongs_to_no_handle_is_given_out_once_and_the_oldest_are_let_go()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync(new() { MaxUnclaimedMessages = 2 });
        JobHandle released = await peer.SubmitAsync(client, "job_1");
        await released.DisposeAsync();
        await LogAsync(peer, "job_1", 1); // nobody wants to hear of it
        await LogAsync(peer, "child", 2, "too old");
        await LogAsync(peer, "child", 3, "of a child");
        await peer.SendAsync("session.error", "\"id\":\"e\"", """{"code":"INTERNAL_ERROR","message":"by the way"}""");
        await peer.CloseAsync();
        await client.States.LastAsync().AsTask().Soon(); // all has arrived before anything is read
        List<Core.Serialization.Envelope> seen = await client.UnclaimedMessages.ToListAsync().Soon();
        seen.Select(envelope => envelope.Message.GetType().Name).Should().Equal("JobEvent", "SessionError");
        seen[0].Header.JobId.Should().Be(new JobId("child"));
        await client.DisposeAsync().Soon();
    }

    private static async Task<Subscription> SubscribeAsync(ArcpClient client, ScriptedPeer peer, string job, SubscribeOptions? options = null)
    {
        Task<Subscription> subscribing = client.SubscribeAsync(new JobId(job), options);
        await SubscribedAsync(peer, await peer.ReceiveAsync("job.subscribe"), 2, replayed: false);
        return await subscribing.Soon();
    }
}
