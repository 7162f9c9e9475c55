using System.Text.Json;
using Arcp.Core;
using Arcp.Core.Events;
using Arcp.Core.Messages;

namespace Arcp.Client.Tests;

/// <summary>What the client does when its connection is lost, frame by frame.</summary>
[Trait("§", "6.3")]
public sealed class ReconnectTests
{
    [Fact]
    public async Task A_lost_connection_is_made_again_with_the_resume_data_in_all_forms_and_handles_go_on()
    {
        var network = new ScriptedNetwork();
        (ArcpClient client, ScriptedPeer peer) = await network.ConnectAsync();
        JobHandle job = await peer.SubmitAsync(client, "job_1");
        await using IAsyncEnumerator<ConnectionState> states = client.States.GetAsyncEnumerator();
        (await Next(states)).Status.Should().Be(ConnectionStatus.Connected);
        await LogAsync(peer, "job_1", 1);
        await LogAsync(peer, "job_1", 2);
        await peer.DisposeAsync();

        peer = await network.PickUpAsync();
        (await Next(states)).Should().Match<ConnectionState>(state => state.Status == ConnectionStatus.Reconnecting && state.Attempt == 1 && state.Reason != null);
        JsonElement hello = (await peer.ReceiveAsync("session.hello")).Payload();
        hello.GetProperty("resume").GetRawText().Should().Be("""{"session_id":"sess_1","resume_token":"t1","token":"t1","last_event_seq":2}""");
        hello.GetProperty("resume_token").GetString().Should().Be("t1");
        hello.GetProperty("last_event_seq").GetInt64().Should().Be(2);
        await peer.SendAsync(ScriptedNetwork.Welcome("sess_1", "t2"));
        (await Next(states)).Should().Match<ConnectionState>(state => state.Status == ConnectionStatus.Connected && !state.IsNewSession && !state.MayMissEvents);
        await LogAsync(peer, "job_1", 2);
        await LogAsync(peer, "job_1", 3);
        peer = await network.ReconnectAsync(peer, "sess_1", "t3", hello => hello.GetProperty("resume_token").GetString().Should().Be("t2", "each welcome brings a new token"));
        await peer.SendAsync("job.result", "\"job_id\":\"job_1\",\"event_seq\":4", """{"final_status":"success","result":1}""");
        (await Messages(job)).Should().Equal("1", "2", "3");
        (await job.GetResultAsync<int>().Soon()).Should().Be(1);
        await EndAsync(client, peer);
        client.State.Status.Should().Be(ConnectionStatus.Closed);
    }

    [Fact]
    [Trait("§", "8.3")]
    public async Task A_gap_in_the_numbers_is_a_broken_connection_and_a_repeated_number_is_dropped()
    {
        var network = new ScriptedNetwork();
        (ArcpClient client, ScriptedPeer peer) = await network.ConnectAsync();
        JobHandle job = await peer.SubmitAsync(client, "job_1");
        await LogAsync(peer, "job_1", 1);
        await LogAsync(peer, "job_1", 1);
        await LogAsync(peer, "job_1", 2);
        await LogAsync(peer, "job_1", 1);
        await LogAsync(peer, "job_1", 4);
        (await peer.SeesEndAsync()).Should().BeTrue();
        peer = await network.WelcomeAsync("sess_1", "t2", hello => hello.GetProperty("last_event_seq").GetInt64().Should().Be(2));
        await LogAsync(peer, "job_1", 3);
        await LogAsync(peer, "job_1", 4);
        await peer.SendAsync("job.error", "\"job_id\":\"job_1\",\"event_seq\":5", """{"final_status":"error","code":"TIMEOUT","message":"m"}""");
        (await Messages(job)).Should().Equal("1", "2", "3", "4");
        job.Status.Should().Be(JobStatus.Error);
        await EndAsync(client, peer);
    }

    [Fact]
    public async Task A_gap_that_a_resume_does_not_fill_leads_to_a_new_session_and_history()
    {
        var network = new ScriptedNetwork();
        (ArcpClient client, ScriptedPeer peer) = await network.ConnectAsync();
        JobHandle job = await peer.SubmitAsync(client, "job_1");
        await LogAsync(peer, "job_1", 1);
        await LogAsync(peer, "job_1", 3);
        peer = await network.WelcomeAsync("sess_1", "t2");
        await LogAsync(peer, "job_1", 3);
        peer = await network.WelcomeAsync("sess_2", "u1", hello => hello.TryGetProperty("resume", out _).Should().BeFalse());
        JsonElement subscribe = await peer.ReceiveAsync("job.subscribe");
        subscribe.Payload().GetRawText().Should().Be("""{"job_id":"job_1","from_event_seq":1,"history":true}""");
        await SubscribedAsync(peer, subscribe, 3, replayed: true);
        await LogAsync(peer, "job_1", 1, "2");
        await LogAsync(peer, "job_1", 2, "3");
        await peer.SendAsync("job.result", "\"job_id\":\"job_1\",\"event_seq\":3", """{"final_status":"success","result":1}""");
        (await Messages(job)).Should().Equal("1", "2", "3");
        await EndAsync(client, peer);
    }

    [Fact]
    public async Task When_the_window_has_closed_a_new_session_is_opened_handles_subscribe_and_the_application_is_told()
    {
        var network = new ScriptedNetwork();
        (ArcpClient client, ScriptedPeer peer) = await network.ConnectAsync();
        JobHandle open = await peer.SubmitAsync(client, "job_1");
        JobHandle ended = await peer.SubmitAsync(client, "job_2");
        JobHandle gone = await peer.SubmitAsync(client, "job_3");
        JobHandle evicted = await peer.SubmitAsync(client, "job_4");
        await peer.SendAsync("job.result", "\"job_id\":\"job_2\",\"event_seq\":1", """{"final_status":"success","result":1}""");
        await LogAsync(peer, "job_1", 2);
        await peer.EventAsync("job_1", "status", """{"phase":"back_pressure"}"""); // stands in no job's log
        await peer.DisposeAsync();

        await network.RefuseAsync("RESUME_WINDOW_EXPIRED");
        peer = await network.WelcomeAsync("sess_2", "u1", hello => hello.TryGetProperty("resume_token", out _).Should().BeFalse());
        for (int i = 0; i < 3; i++)
        {
            JsonElement subscribe = await peer.ReceiveAsync("job.subscribe");
            subscribe.GetProperty("session_id").GetString().Should().Be("sess_2");
            string id = subscribe.Payload().GetProperty("job_id").GetString()!;
            subscribe.Payload().GetProperty("from_event_seq").GetInt64().Should().Be(id == "job_1" ? 1 : 0);
            Task answer = id switch
            {
                "job_1" => SubscribedAsync(peer, subscribe, 2, replayed: true),
                "job_3" => peer.SendAsync("session.error", $"\"request_id\":\"{subscribe.Id()}\"", """{"code":"JOB_NOT_FOUND","message":"no such job"}"""),
                _ => peer.SendAsync("session.error", $"\"request_id\":\"{subscribe.Id()}\"", """{"code":"INVALID_REQUEST","message":"no longer held"}"""),
            };
            await answer;
        }

        JsonElement again = await peer.ReceiveAsync("job.subscribe");
        again.Payload().GetRawText().Should().Be("""{"job_id":"job_4","history":false}""");
        await SubscribedAsync(peer, again, 7, replayed: false);
        await Bounded.UntilAsync(() => client.State.Status is ConnectionStatus.Connected && client.State.IsNewSession);
        client.State.MayMissEvents.Should().BeTrue("one job is gone, and one's history");
        client.State.Cause.Should().BeOfType<ArcpException>().Which.Code.Should().Be(ErrorCode.ResumeWindowExpired);
        client.SessionId.Value.Should().Be("sess_2");

        await LogAsync(peer, "job_1", 1, "next");
        await peer.SendAsync("job.result", "\"job_id\":\"job_1\",\"event_seq\":2", """{"final_status":"success","result":1}""");
        (await open.GetResultAsync<int>().Soon()).Should().Be(1);
        (await Messages(open)).Should().Equal("2", "next");
        (await ended.GetResultAsync<int>().Soon()).Should().Be(1);
        (await Throws<ArcpException>(() => gone.GetResultAsync().Soon())).Code.Should().Be(ErrorCode.JobNotFound);
        evicted.Status.Should().Be(JobStatus.Running);
        await EndAsync(client, peer);
    }

    [Fact]
    public async Task Without_the_feature_subscribe_a_new_session_ends_the_old_handles()
    {
        var network = new ScriptedNetwork();
        (ArcpClient client, ScriptedPeer peer) = await network.ConnectAsync();
        JobHandle job = await peer.SubmitAsync(client, "job_1");
        await peer.DisposeAsync();
        peer = await network.PickUpAsync();
        await peer.ReceiveAsync("session.hello");
        await peer.SendAsync("""{"type":"session.welcome","session_id":"other","payload":{}}""");
        (await Throws<ArcpConnectionException>(() => job.GetResultAsync().Soon())).IsOutcomeUnknown.Should().BeTrue();
        await Bounded.UntilAsync(() => client.State is { Status: ConnectionStatus.Connected, IsNewSession: true, MayMissEvents: true });
        await EndAsync(client, peer);
    }

    [Theory]
    [InlineData("UNAUTHENTICATED")]
    [InlineData("PERMISSION_DENIED")]
    public async Task Refused_credentials_are_not_tried_again(string code)
    {
        var network = new ScriptedNetwork();
        (ArcpClient client, ScriptedPeer peer) = await network.ConnectAsync();
        JobHandle job = await peer.SubmitAsync(client, "job_1");
        await peer.DisposeAsync();
        await network.RefuseAsync(code);
        ArcpConnectionException error = await Throws<ArcpConnectionException>(() => job.GetResultAsync().Soon());
        error.InnerException.Should().BeOfType<ArcpException>().Which.Code.Value.Should().Be(code);
        await Bounded.UntilAsync(() => client.State.IsFinal);
        client.State.Status.Should().Be(ConnectionStatus.Failed);
        network.Dials.Should().Be(2);
        await Throws<ArcpConnectionException>(() => client.SubmitAsync("echo").Soon());
        await client.DisposeAsync().Soon();
        client.State.Status.Should().Be(ConnectionStatus.Failed);
    }

    [Fact]
    public async Task A_hello_that_came_too_late_is_sent_again_and_resumes()
    {
        var network = new ScriptedNetwork();
        (ArcpClient client, ScriptedPeer peer) = await network.ConnectAsync();
        JobHandle job = await peer.SubmitAsync(client, "job_1");
        await peer.DisposeAsync();

        await network.RefuseAsync("UNAUTHENTICATED", retryable: true); // as a runtime says whose handshake timeout is over (§6.2)
        peer = await network.WelcomeAsync("sess_1", "u1", hello => hello.TryGetProperty("resume_token", out _).Should().BeTrue());

        await peer.SendAsync("job.result", "\"job_id\":\"job_1\",\"event_seq\":1", """{"final_status":"success","result":1}""");
        (await job.GetResultAsync<int>().Soon()).Should().Be(1);
        await EndAsync(client, peer);
    }

    [Fact]
    public async Task A_session_that_ends_with_unauthenticated_is_not_made_again()
    {
        var network = new ScriptedNetwork();
        (ArcpClient client, ScriptedPeer peer) = await network.ConnectAsync();
        await peer.SendAsync("session.error", "\"id\":\"e\"", """{"code":"UNAUTHENTICATED","message":"token expired"}""");
        (await client.States.LastAsync().AsTask().Soon()).Status.Should().Be(ConnectionStatus.Failed);
        network.Dials.Should().Be(1);
        await client.DisposeAsync().Soon();
    }

    [Fact]
    public async Task Attempts_wait_longer_and_longer_with_jitter_and_are_given_up_in_time()
    {
        var clock = new ManualClock();
        var network = new ScriptedNetwork();
        ArcpClientOptions options = ScriptedNetwork.Options(clock);
        options.Reconnect = new() { InitialDelay = TimeSpan.FromSeconds(1), MaxDelay = TimeSpan.FromSeconds(4), GiveUpAfter = TimeSpan.FromSeconds(20), Jitter = () => 1 };
        (ArcpClient client, ScriptedPeer peer) = await network.ConnectAsync(options);
        JobHandle job = await peer.SubmitAsync(client, "job_1");
        Task<JobHandle> waits = client.SubmitAsync("echo");
        await peer.ReceiveAsync("job.submit");
        network.IsDown = true;
        await peer.DisposeAsync();
        int expected = 1;
        foreach (int seconds in new[] { 1, 2, 4, 4, 4, 4 })
        {
            int attempt = expected;
            await Bounded.UntilAsync(() => client.State.Attempt == attempt && clock.HasTimerIn(TimeSpan.FromSeconds(seconds)));
            clock.Advance(TimeSpan.FromSeconds(seconds) - TimeSpan.FromMilliseconds(1));
            network.Dials.Should().Be(expected);
            clock.Advance(TimeSpan.FromMilliseconds(1));
            expected++;
            await Bounded.UntilAsync(() => network.Dials == expected);
        }

        ConnectionState last = await client.States.LastAsync().AsTask().Soon();
        last.Should().Match<ConnectionState>(state => state.Status == ConnectionStatus.Failed && state.Reason!.Contains("00:00:20"));
        await Throws<ArcpConnectionException>(() => job.GetResultAsync().Soon());
        (await Throws<ArcpConnectionException>(() => waits.Soon())).IsOutcomeUnknown.Should().BeTrue();
        await client.DisposeAsync().Soon();
    }

    [Fact]
    public async Task Closing_while_there_is_no_connection_ends_everything_at_once()
    {
        var clock = new ManualClock();
        var network = new ScriptedNetwork();
        (ArcpClient client, ScriptedPeer peer) = await network.ConnectAsync(ScriptedNetwork.Options(clock));
        JobHandle job = await peer.SubmitAsync(client, "job_1");
        network.IsDown = true;
        await peer.DisposeAsync();
        await Bounded.UntilAsync(() => client.State.Status is ConnectionStatus.Reconnecting);
        Task<JobHandle> waits = client.SubmitAsync("echo");
        await client.DisposeAsync().Soon();
        (await Throws<ArcpConnectionException>(() => waits.Soon())).IsOutcomeUnknown.Should().BeFalse();
        await Throws<ArcpConnectionException>(() => job.GetResultAsync().Soon());
        client.State.Status.Should().Be(ConnectionStatus.Closed);
    }

    [Fact]
    [Trait("§", "7.2")]
    public async Task A_submit_in_flight_is_repeated_with_a_key_and_reported_as_unknown_without()
    {
        var network = new ScriptedNetwork();
        (ArcpClient client, ScriptedPeer peer) = await network.ConnectAsync();
        await peer.SubmitAsync(client, "job_0"); // opens the lane
        Task<JobHandle> keyed = client.SubmitAsync("keyed", options: new() { IdempotencyKey = "k" });
        JsonElement first = await peer.ReceiveAsync("job.submit");
        Task<JobHandle> unkeyed = client.SubmitAsync("unkeyed");
        await peer.ReceiveAsync("job.submit");
        Task<JobHandle> late = client.SubmitAsync("late answer");
        JsonElement lateSubmit = await peer.ReceiveAsync("job.submit");
        peer = await network.ReconnectAsync(peer, "sess_1", "t2");
        await peer.AcceptAsync(lateSubmit, "job_late"); // an answer that the lost connection did not carry
        (await late.Soon()).Id.Value.Should().Be("job_late");
        JsonElement[] frames = [await peer.ReceiveAsync(), await peer.ReceiveAsync()];
        JsonElement again = frames.Single(frame => frame.Type() == "job.submit");
        again.GetRawText().Should().Be(first.GetRawText(), "the repetition is the same frame");
        unkeyed.IsCompleted.Should().BeFalse();
        JsonElement ping = frames.Single(frame => frame.Type() == "session.ping");
        await peer.SendAsync("session.pong", "\"id\":\"p\"", $$"""{"ping_nonce":"{{ping.Payload().GetProperty("nonce").GetString()}}"}""");
        (await Throws<ArcpConnectionException>(() => unkeyed.Soon())).IsOutcomeUnknown.Should().BeTrue();
        await peer.AcceptAsync(again, "job_k");
        await peer.AcceptAsync(again, "job_k");
        (await keyed.Soon()).Id.Value.Should().Be("job_k");
        await EndAsync(client, peer);
    }

    [Fact]
    [Trait("§", "7.2")]
    public async Task In_a_new_session_a_keyed_submit_is_repeated_and_its_job_subscribed_to()
    {
        var network = new ScriptedNetwork();
        (ArcpClient client, ScriptedPeer peer) = await network.ConnectAsync();
        await peer.SubmitAsync(client, "job_0");
        Task<JobHandle> keyed = client.SubmitAsync("keyed", options: new() { IdempotencyKey = "k" });
        await peer.ReceiveAsync("job.submit");
        Task<JobHandle> unkeyed = client.SubmitAsync("unkeyed");
        await peer.ReceiveAsync("job.submit");
        peer = await network.ReconnectAsync(peer, "sess_2", "u1");
        (await Throws<ArcpConnectionException>(() => unkeyed.Soon())).IsOutcomeUnknown.Should().BeTrue();
        JsonElement[] frames = [await peer.ReceiveAsync(), await peer.ReceiveAsync()];
        await SubscribedAsync(peer, frames.Single(frame => frame.Type() == "job.subscribe"), 0, replayed: false);
        await peer.AcceptAsync(frames.Single(frame => frame.Type() == "job.submit"), "job_k");
        JsonElement subscribe = await peer.ReceiveAsync("job.subscribe");
        subscribe.Payload().GetProperty("job_id").GetString().Should().Be("job_k");
        keyed.IsCompleted.Should().BeFalse("the handle is not whole before it is subscribed");
        await SubscribedAsync(peer, subscribe, 1, replayed: true);
        JobHandle job = await keyed.Soon();
        await LogAsync(peer, "job_k", 1);
        await peer.SendAsync("job.result", "\"job_id\":\"job_k\",\"event_seq\":2", """{"final_status":"success","result":1}""");
        (await Messages(job)).Should().Equal("1");
        await EndAsync(client, peer);
    }

    [Fact]
    [Trait("§", "7.2")]
    public async Task The_key_of_an_anonymous_session_means_nothing_in_the_next_one()
    {
        var network = new ScriptedNetwork();
        ArcpClientOptions options = ScriptedNetwork.Options();
        options.Token = null;
        (ArcpClient client, ScriptedPeer peer) = await network.ConnectAsync(options);
        Task<JobHandle> keyed = client.SubmitAsync("keyed", options: new() { IdempotencyKey = "k" });
        await peer.ReceiveAsync("job.submit");
        peer = await network.ReconnectAsync(peer, "sess_2", "u1");
        (await Throws<ArcpConnectionException>(() => keyed.Soon())).IsOutcomeUnknown.Should().BeTrue();
        await EndAsync(client, peer);
    }

    [Fact]
    public async Task A_new_session_that_is_lost_before_all_handles_were_restored_is_restored_further()
    {
        var network = new ScriptedNetwork();
        (ArcpClient client, ScriptedPeer peer) = await network.ConnectAsync();
        JobHandle first = await peer.SubmitAsync(client, "job_1");
        JobHandle second = await peer.SubmitAsync(client, "job_2");
        JobHandle third = await peer.SubmitAsync(client, "job_3");
        peer = await network.ReconnectAsync(peer, "sess_2", "u1");
        for (int i = 0; i < 3; i++)
        {
            JsonElement subscribe = await peer.ReceiveAsync("job.subscribe");
            if (subscribe.Payload().GetProperty("job_id").GetString() == "job_1")
            {
                await SubscribedAsync(peer, subscribe, 0, replayed: false);
            }
        }

        await third.DisposeAsync();
        await LogAsync(peer, "job_1", 1);
        await first.Events.FirstAsync().AsTask().Soon();
        peer = await network.ReconnectAsync(peer, "sess_2", "u2", hello => hello.GetProperty("resume_token").GetString().Should().Be("u1"));
        JsonElement again = await peer.ReceiveAsync("job.subscribe");
        again.Payload().GetProperty("job_id").GetString().Should().Be("job_2");
        await SubscribedAsync(peer, again, 0, replayed: false);
        await Bounded.UntilAsync(() => client.State is { Status: ConnectionStatus.Connected });
        client.State.Should().Match<ConnectionState>(state => state.IsNewSession && !state.MayMissEvents);
        await peer.ResultAsync("job_1", "1");
        await peer.ResultAsync("job_2", "2");
        (await first.GetResultAsync<int>().Soon()).Should().Be(1);
        (await second.GetResultAsync<int>().Soon()).Should().Be(2);
        await EndAsync(client, peer);
    }

    [Fact]
    public async Task A_view_that_is_let_go_while_its_subscription_is_renewed_is_unsubscribed()
    {
        var network = new ScriptedNetwork();
        (ArcpClient client, ScriptedPeer peer) = await network.ConnectAsync();
        JobHandle job = await peer.SubmitAsync(client, "job_1");
        peer = await network.ReconnectAsync(peer, "sess_2", "u1");
        JsonElement subscribe = await peer.ReceiveAsync("job.subscribe");
        await job.DisposeAsync();
        await SubscribedAsync(peer, subscribe, 0, replayed: false);
        (await peer.ReceiveAsync("job.unsubscribe")).Payload().GetProperty("job_id").GetString().Should().Be("job_1");
        client.Counts.Should().Be((0, 0));
        await EndAsync(client, peer);
    }

    [Theory]
    [Trait("§", "7.6")]
    [InlineData(1L)]
    [InlineData(4L)]
    [InlineData(null)]
    public async Task A_subscription_waits_in_a_new_session_until_the_jobs_handle_has_its_own(long? from)
    {
        var network = new ScriptedNetwork();
        (ArcpClient client, ScriptedPeer peer) = await network.ConnectAsync();
        JobHandle job = await peer.SubmitAsync(client, "job_1");
        await LogAsync(peer, "job_1", 1);
        await LogAsync(peer, "job_1", 2);
        await job.Events.Take(2).ToListAsync().AsTask().Soon();
        Task<Subscription> subscribing = client.SubscribeAsync(new("job_1"), new() { FromEventSeq = from });
        await peer.ReceiveAsync("job.subscribe");
        peer = await network.ReconnectAsync(peer, "sess_2", "u1");
        JsonElement own = await peer.ReceiveAsync("job.subscribe");
        own.Payload().GetProperty("from_event_seq").GetInt64().Should().Be(2);
        Task<List<JobSummary>> listing = client.ListJobsAsync().ToListAsync().AsTask();
        JsonElement list = await peer.ReceiveAsync("session.list_jobs"); // the other subscription has not been sent before it
        await peer.SendAsync("session.jobs", $"\"request_id\":\"{list.Id()}\"", """{"jobs":[],"next_cursor":null}""");
        await listing.Soon();
        await SubscribedAsync(peer, own, 5, replayed: true);
        foreach (int seq in new[] { 1, 2, 3 })
        {
            await LogAsync(peer, "job_1", seq, $"{seq + 2}");
        }

        JsonElement asked = await peer.ReceiveAsync("job.subscribe");
        asked.Payload().TryGetProperty("from_event_seq", out JsonElement number).Should().Be(from is not null);
        (from is null || number.GetInt64() == from).Should().BeTrue();
        await SubscribedAsync(peer, asked, 5, replayed: false);
        Subscription second = await subscribing.Soon();
        await LogAsync(peer, "job_1", 4, "6");
        await peer.SendAsync("job.result", "\"job_id\":\"job_1\",\"event_seq\":5", """{"final_status":"success","result":1}""");
        (await Messages(job)).Should().Equal("1", "2", "3", "4", "5", "6");
        (await Messages(second)).Should().Equal(Enumerable.Range((int)(from ?? 5) + 1, (int)(6 - (from ?? 5))).Select(number => $"{number}"));
        (job.MayMissEvents, second.MayMissEvents, client.State.MayMissEvents).Should().Be((false, false, false));
        await EndAsync(client, peer);
    }

    [Fact]
    [Trait("§", "7.6")]
    public async Task A_handle_whose_history_is_gone_says_so_and_a_later_subscription_above_the_gap_does_not()
    {
        var network = new ScriptedNetwork();
        (ArcpClient client, ScriptedPeer peer) = await network.ConnectAsync();
        JobHandle job = await peer.SubmitAsync(client, "job_1");
        peer = await network.ReconnectAsync(peer, "sess_2", "u1");
        JsonElement own = await peer.ReceiveAsync("job.subscribe");
        job.MayMissEvents.Should().BeFalse();
        await peer.SendAsync("session.error", $"\"request_id\":\"{own.Id()}\"", """{"code":"INVALID_REQUEST","message":"gone"}""");
        await SubscribedAsync(peer, await peer.ReceiveAsync("job.subscribe"), 3, replayed: false);
        await Bounded.UntilAsync(() => client.State is { Status: ConnectionStatus.Connected, MayMissEvents: true });
        Task<Subscription> subscribing = client.SubscribeAsync(new("job_1"), new() { FromEventSeq = 3 });
        await SubscribedAsync(peer, await peer.ReceiveAsync("job.subscribe"), 3, replayed: false);
        Subscription above = await subscribing.Soon();
        subscribing = client.SubscribeAsync(new("job_1"), new() { FromEventSeq = 2 });
        await SubscribedAsync(peer, await peer.ReceiveAsync("job.subscribe"), 3, replayed: false);
        Subscription below = await subscribing.Soon();
        await LogAsync(peer, "job_1", 1, "4");
        (job.MayMissEvents, above.MayMissEvents, below.MayMissEvents).Should().Be((true, false, true));

        // Where it stands is known again: the next session is asked for what is above it.
        await above.Events.FirstAsync().AsTask().Soon();
        peer = await network.ReconnectAsync(peer, "sess_3", "v1");
        (await peer.ReceiveAsync("job.subscribe")).Payload().GetProperty("from_event_seq").GetInt64().Should().Be(4);
        await EndAsync(client, peer);
    }

    [Theory]
    [Trait("§", "7.2")]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_repeated_submit_whose_job_runs_in_another_session_says_whether_it_starts_late(bool isHeld)
    {
        var network = new ScriptedNetwork();
        (ArcpClient client, ScriptedPeer peer) = await network.ConnectAsync();
        Task<JobHandle> submitting = client.SubmitAsync("echo", options: new() { IdempotencyKey = "k" });
        await peer.ReceiveAsync("job.submit");
        peer = await network.ReconnectAsync(peer, "sess_2", "u1");
        await peer.AcceptAsync(await peer.ReceiveAsync("job.submit"), "job_1");
        JsonElement own = await peer.ReceiveAsync("job.subscribe");
        if (!isHeld)
        {
            await peer.SendAsync("session.error", $"\"request_id\":\"{own.Id()}\"", """{"code":"INVALID_REQUEST","message":"gone"}""");
            own = await peer.ReceiveAsync("job.subscribe");
        }

        await SubscribedAsync(peer, own, 2, replayed: isHeld);
        (await submitting.Soon()).MayMissEvents.Should().Be(!isHeld);
        await EndAsync(client, peer);
    }

    [Fact]
    public async Task A_restore_whose_answer_is_lost_with_its_connection_counts_on_from_where_it_asked()
    {
        var network = new ScriptedNetwork();
        (ArcpClient client, ScriptedPeer peer) = await network.ConnectAsync();
        JobHandle job = await peer.SubmitAsync(client, "job_1");
        peer = await network.ReconnectAsync(peer, "sess_2", "u1");
        await peer.ReceiveAsync("job.subscribe");
        peer = await network.ReconnectAsync(peer, "sess_2", "u2");
        await LogAsync(peer, "job_1", 1);
        await LogAsync(peer, "job_1", 2);
        await SubscribedAsync(peer, await peer.ReceiveAsync("job.subscribe"), 2, replayed: false); // the session reads the job already
        await Bounded.UntilAsync(() => client.State is { Status: ConnectionStatus.Connected });
        (client.State.MayMissEvents, job.MayMissEvents).Should().Be((false, false));
        peer = await network.ReconnectAsync(peer, "sess_3", "v1");
        (await peer.ReceiveAsync("job.subscribe")).Payload().GetProperty("from_event_seq").GetInt64().Should().Be(2);
        await EndAsync(client, peer);
    }

    [Fact]
    [Trait("§", "7.6")]
    public async Task A_job_that_ends_before_the_answer_to_a_restore_without_history_has_a_gap_too()
    {
        var network = new ScriptedNetwork();
        (ArcpClient client, ScriptedPeer peer) = await network.ConnectAsync();
        JobHandle job = await peer.SubmitAsync(client, "job_1");
        peer = await network.ReconnectAsync(peer, "sess_2", "u1");
        JsonElement own = await peer.ReceiveAsync("job.subscribe");
        await peer.SendAsync("session.error", $"\"request_id\":\"{own.Id()}\"", """{"code":"INVALID_REQUEST","message":"gone"}""");
        await peer.ReceiveAsync("job.subscribe");
        peer = await network.ReconnectAsync(peer, "sess_2", "u2"); // the answer is lost, the frames come again
        await peer.SendAsync("job.result", "\"job_id\":\"job_1\",\"event_seq\":1", """{"final_status":"success","result":1}""");
        (await job.GetResultAsync<int>().Soon()).Should().Be(1);
        job.MayMissEvents.Should().BeTrue();
        await EndAsync(client, peer);
    }

    [Fact]
    public async Task A_client_that_is_taken_over_opens_its_own_session_instead_of_fighting()
    {
        var network = new ScriptedNetwork();
        (ArcpClient client, ScriptedPeer peer) = await network.ConnectAsync();
        await peer.SendAsync("session.closed", "\"id\":\"c\"", """{"reason":"resumed on another connection"}""");
        await network.RefuseAsync("RESUME_WINDOW_EXPIRED");
        peer = await network.WelcomeAsync("sess_2", "u1", hello => hello.TryGetProperty("resume", out _).Should().BeFalse());
        await Bounded.UntilAsync(() => client.State is { Status: ConnectionStatus.Connected, IsNewSession: true });
        client.State.MayMissEvents.Should().BeFalse();
        await EndAsync(client, peer);
        network.Dials.Should().Be(3);
    }

    [Fact]
    public async Task Cancels_listings_and_subscriptions_in_flight_are_repeated_and_what_was_let_go_meanwhile_is_unsubscribed()
    {
        var network = new ScriptedNetwork();
        (ArcpClient client, ScriptedPeer peer) = await network.ConnectAsync();
        JobHandle job = await peer.SubmitAsync(client, "job_1");
        Task<Subscription> watching = client.SubscribeAsync(new("job_2"));
        await SubscribedAsync(peer, await peer.ReceiveAsync("job.subscribe"), 0, replayed: false, job: "job_2");
        Subscription watch = await watching.Soon();
        Task<JobStatus> cancel = job.CancelAsync();
        await peer.ReceiveAsync("job.cancel");
        Task<List<JobSummary>> list = client.ListJobsAsync().ToListAsync().AsTask();
        await peer.ReceiveAsync("session.list_jobs");
        Task<Subscription> subscribe = client.SubscribeAsync(new("job_3"), new() { FromEventSeq = 5 });
        await peer.ReceiveAsync("job.subscribe");
        network.IsDown = true;
        await peer.DisposeAsync();
        await Bounded.UntilAsync(() => client.State.Status is ConnectionStatus.Reconnecting);
        await watch.DisposeAsync();
        network.IsDown = false;
        peer = await network.WelcomeAsync("sess_1", "t2");
        (await peer.ReceiveAsync("job.unsubscribe")).Payload().GetProperty("job_id").GetString().Should().Be("job_2");
        for (int i = 0; i < 3; i++)
        {
            JsonElement frame = await peer.ReceiveAsync();
            Task answer = frame.Type() switch
            {
                "job.cancel" => peer.SendAsync("job.error", "\"job_id\":\"job_1\",\"event_seq\":1", """{"final_status":"cancelled","code":"CANCELLED","message":"m"}"""),
                "session.list_jobs" => peer.SendAsync("session.jobs", $"\"request_id\":\"{frame.Id()}\"", """{"jobs":[{"job_id":"job_1"}],"next_cursor":null}"""),
                _ => SubscribedAsync(peer, frame, 5, replayed: false, job: "job_3"),
            };
            await answer;
        }

        (await cancel.Soon()).Should().Be(JobStatus.Cancelled);
        (await list.Soon()).Should().ContainSingle();
        (await subscribe.Soon()).SubscribedFrom.Should().Be(5);
        await EndAsync(client, peer);
    }

    internal static Task LogAsync(ScriptedPeer peer, string job, long seq, string? message = null) =>
        peer.SendAsync("job.event", $"\"job_id\":\"{job}\",\"event_seq\":{seq}", $$$"""{"kind":"log","body":{"level":"info","message":"{{{message ?? $"{seq}"}}}"}}""");

    internal static Task SubscribedAsync(ScriptedPeer peer, JsonElement subscribe, long from, bool replayed, string? job = null) =>
        peer.SendAsync(
            "job.subscribed",
            $"\"request_id\":\"{subscribe.Id()}\"",
            $$"""{"job_id":"{{job ?? subscribe.Payload().GetProperty("job_id").GetString()}}","current_status":"running","agent":"echo@1.0.0","subscribed_from":{{from}},"replayed":{{(replayed ? "true" : "false")}}}""");

    internal static async Task<List<string>> Messages(JobView job) =>
        await job.Events.Select(entry => entry.Body).OfType<LogEvent>().Select(log => log.Message).ToListAsync().Soon();

    internal static async Task EndAsync(ArcpClient client, ScriptedPeer peer)
    {
        Task closing = client.DisposeAsync().AsTask();
        await peer.CloseAsync();
        await closing.Soon();
        await peer.DisposeAsync();
    }

    internal static async Task<T> Throws<T>(Func<Task> act)
        where T : Exception => (await act.Should().ThrowAsync<T>()).Which;

    private static async Task<ConnectionState> Next(IAsyncEnumerator<ConnectionState> states)
    {
        (await states.MoveNextAsync().Soon()).Should().BeTrue();
        return states.Current;
    }
}
