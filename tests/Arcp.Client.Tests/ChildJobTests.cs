using System.Text.Json;
using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Serialization;
using static Arcp.Client.Tests.ReconnectTests;

namespace Arcp.Client.Tests;

/// <summary>Jobs that jobs have started (§10), seen from their parents' handles.</summary>
[Trait("§", "10")]
public sealed class ChildJobTests
{
    [Fact]
    public async Task A_child_opened_late_has_its_events_from_the_first_its_lease_and_its_result()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        JobHandle parent = await peer.SubmitAsync(client, "job_p");
        await peer.EventAsync("job_p", "delegate", """
            {"delegate_id":"d1","child_job_id":"job_c","agent":"helper@2","lease_request":{"cost.budget":["USD:2.5"]},"lease_constraints":{"expires_at":"2026-03-01T00:00:00Z"}}
            """);
        await peer.LogAsync("job_c", "one");
        await peer.EventAsync("job_c", "metric", """{"name":"cost.budget.remaining","value":1.5,"unit":"USD"}""");
        await peer.ResultAsync("job_p", "1");
        await parent.GetResultAsync().Soon();
        parent.Children.Should().ContainSingle().Which.Agent.Should().Be("helper@2");

        await using ChildJob child = await parent.OpenChildAsync(new JobId("job_c")).Soon();
        child.Status.Should().Be(JobStatus.Running);
        (child.DelegateId, child.Agent, child.ParentJobId, child.Trace).Should().Be(("d1", "helper@2", parent.Id, parent.Trace));
        child.LeaseConstraints!.ExpiresAt!.Value.Month.Should().Be(3);
        (child.Budget!["USD"], child.RemainingBudget!["USD"]).Should().Be((2.5m, 1.5m));
        await peer.LogAsync("job_c", "two");
        await peer.ResultAsync("job_c", "2"); // behind the parent's end
        (await child.GetResultAsync<int>().Soon()).Should().Be(2);
        (await Messages(child)).Should().Equal("one", "two");
        await Throws<ArgumentException>(() => parent.OpenChildAsync(new JobId("job_x")));
        (await Unclaimed(client, peer)).Should().BeEmpty();
    }

    [Fact]
    public async Task A_grandchild_is_a_child_of_the_child()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        JobHandle parent = await peer.SubmitAsync(client, "job_p");
        await DelegateAsync(peer, "job_p", "job_c");
        await DelegateAsync(peer, "job_c", "job_g");
        await peer.LogAsync("job_g", "deep");
        await peer.SendAsync("job.error", "\"job_id\":\"job_g\"", """{"final_status":"error","code":"LEASE_EXPIRED","message":"m"}""");
        await SyncAsync(peer);
        await using ChildJob child = await parent.OpenChildAsync(new JobId("job_c")).Soon();
        await using ChildJob grandchild = await child.OpenChildAsync(new JobId("job_g")).Soon();
        parent.Children.Should().ContainSingle();
        (await Messages(grandchild)).Should().Equal("deep");
        (await Throws<ArcpException>(() => grandchild.GetResultAsync().Soon())).Code.Should().Be(ErrorCode.LeaseExpired);
        (await Unclaimed(client, peer)).Should().BeEmpty();
    }

    [Fact]
    [Trait("§", "8.4")]
    public async Task A_childs_streamed_result_is_read_from_its_events()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        JobHandle parent = await peer.SubmitAsync(client, "job_p");
        await DelegateAsync(peer, "job_p", "job_c");
        await peer.EventAsync("job_c", "result_chunk", """{"result_id":"r","chunk_seq":0,"data":"ab","encoding":"utf8","more":false}""");
        await peer.SendAsync("job.result", "\"job_id\":\"job_c\"", """{"final_status":"success","result_id":"r","result_size":2}""");
        await SyncAsync(peer);
        await using ChildJob child = await parent.OpenChildAsync(new JobId("job_c")).Soon();
        (await child.ReadResultTextAsync().ToListAsync().Soon()).Should().Equal("ab");
        (await child.GetResultAsync<string>().Soon()).Should().Be("ab");
        await EndAsync(client, peer);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Trait("§", "CL")]
    public async Task Frames_that_come_before_a_child_is_announced_are_its_own(bool terminalToo)
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        JobHandle parent = await peer.SubmitAsync(client, "job_p");
        await peer.LogAsync("job_c", "early");
        if (terminalToo)
        {
            await peer.SendAsync("job.error", "\"job_id\":\"job_c\"", """{"final_status":"timed_out","code":"TIMEOUT","message":"m"}""");
        }

        await DelegateAsync(peer, "job_p", "job_c");
        await SyncAsync(peer);
        await using ChildJob child = await parent.OpenChildAsync(new JobId("job_c")).Soon();
        child.Status.Should().Be(terminalToo ? JobStatus.TimedOut : JobStatus.Running);
        if (!terminalToo)
        {
            await peer.ResultAsync("job_c", "1");
        }

        (await Messages(child)).Should().Equal("early");
        (await Unclaimed(client, peer)).Should().BeEmpty();
    }

    [Fact]
    [Trait("§", "CL")]
    public async Task An_acceptance_of_a_child_announces_it_with_its_credentials()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        JobHandle parent = await peer.SubmitAsync(client, "job_p");
        await peer.SendAsync("job.accepted", "\"id\":\"x\"", """
            {"job_id":"job_c","parent_job_id":"job_p","delegate_id":"d","agent":"helper","credentials":[{"id":"cred_1","value":"v"}],"budget":{"USD":1}}
            """);
        await peer.LogAsync("job_c", "between");
        await DelegateAsync(peer, "job_p", "job_c");
        await peer.ResultAsync("job_c", "1");
        await SyncAsync(peer);
        parent.Children.Should().ContainSingle();
        await using ChildJob child = await parent.OpenChildAsync(new JobId("job_c")).Soon();
        child.Credentials.Should().ContainSingle().Which.Value.Should().Be("v");
        child.RemainingBudget!["USD"].Should().Be(1);
        (await Messages(child)).Should().Equal("between");
        (await Unclaimed(client, peer)).Should().BeEmpty();
    }

    [Fact]
    public async Task An_acceptance_that_comes_again_makes_no_child_of_a_submitted_job()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        JobHandle parent = await peer.SubmitAsync(client, "job_p");
        Task<JobHandle> submitting = client.SubmitAsync("echo", options: new() { ParentJobId = parent.Id });
        JsonElement frame = await peer.ReceiveAsync("job.submit");
        await AcceptAsync();
        JobHandle job = await submitting.Soon();
        await AcceptAsync();
        await job.DisposeAsync();
        await AcceptAsync();
        await SyncAsync(peer);
        parent.Children.Should().BeEmpty();
        client.Counts.Jobs.Should().Be(1);
        await EndAsync(client, peer);

        Task AcceptAsync() => peer.SendAsync("job.accepted", $"\"request_id\":\"{frame.Id()}\"", """{"job_id":"job_1","parent_job_id":"job_p"}""");
    }

    [Fact]
    [Trait("§", "7.4")]
    public async Task A_child_is_cancelled_alone()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        JobHandle parent = await peer.SubmitAsync(client, "job_p");
        await DelegateAsync(peer, "job_p", "job_c");
        await SyncAsync(peer);
        await using ChildJob child = await parent.OpenChildAsync(new JobId("job_c")).Soon();
        Task<JobStatus> cancelling = child.CancelAsync("enough");
        (await peer.ReceiveAsync("job.cancel")).Payload().GetRawText().Should().Be("""{"job_id":"job_c","reason":"enough"}""");
        await peer.SendAsync("job.error", "\"job_id\":\"job_c\"", """{"final_status":"cancelled","code":"CANCELLED","message":"m"}""");
        (await cancelling.Soon()).Should().Be(JobStatus.Cancelled);
        parent.Status.Should().Be(JobStatus.Running);
        await EndAsync(client, peer);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task With_the_parents_last_view_its_children_go_and_what_they_still_send(bool isOpen)
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        JobHandle parent = await peer.SubmitAsync(client, "job_p");
        await DelegateAsync(peer, "job_p", "job_c");
        await DelegateAsync(peer, "job_c", "job_g");
        await SyncAsync(peer);
        client.Counts.Jobs.Should().Be(3);
        ChildJob? child = isOpen ? await parent.OpenChildAsync(new JobId("job_c")).Soon() : null;
        await parent.DisposeAsync();
        client.Counts.Jobs.Should().Be(isOpen ? 2 : 0, "an open child stays, with its own children");
        await Throws<ObjectDisposedException>(() => parent.OpenChildAsync(new JobId("job_c")));
        await peer.LogAsync("job_c", "x");
        await DelegateAsync(peer, "job_p", "job_c2");
        await peer.LogAsync("job_c2", "x");
        await DelegateAsync(peer, "job_c2", "job_g2");
        await peer.LogAsync("job_g2", "x");
        await peer.ResultAsync("job_g", "1");
        if (child is not null)
        {
            await peer.ResultAsync("job_c", "1");
            (await Messages(child)).Should().Equal("x");
            await child.DisposeAsync();
        }

        await SyncAsync(peer);
        client.Counts.Jobs.Should().Be(0);
        (await Unclaimed(client, peer)).Should().BeEmpty();
    }

    [Fact]
    public async Task Too_many_children_let_the_oldest_ended_one_go_or_else_the_newest()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync(new() { MaxChildrenPerJob = 2 });
        JobHandle parent = await peer.SubmitAsync(client, "job_p");
        await DelegateAsync(peer, "job_p", "job_1");
        await DelegateAsync(peer, "job_p", "job_2");
        await DelegateAsync(peer, "job_p", "job_3");
        await peer.LogAsync("job_3", "dropped");
        await peer.ResultAsync("job_2", "2");
        await DelegateAsync(peer, "job_p", "job_4");
        await peer.LogAsync("job_4", "kept");
        await peer.LogAsync("job_2", "dropped");
        await SyncAsync(peer);
        client.Counts.Jobs.Should().Be(3, "the parent and two children");
        parent.Children.Select(child => child.ChildJobId.Value).Should().Equal("job_3", "job_4");
        await using ChildJob last = await parent.OpenChildAsync(new JobId("job_4")).Soon();
        await peer.ResultAsync("job_4", "4");
        (await Messages(last)).Should().Equal("kept");
        (await Unclaimed(client, peer)).Should().BeEmpty();
    }

    [Fact]
    [Trait("§", "CL")]
    public async Task The_events_of_all_children_share_one_bound_and_the_parents_are_not_concerned()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync(new() { MaxEventBytesPerJob = 4000 });
        JobHandle parent = await peer.SubmitAsync(client, "job_p");
        await peer.LogAsync("job_p", "whole");
        for (int i = 0; i < 20; i++)
        {
            await DelegateAsync(peer, i == 0 ? "job_p" : "job_0", $"job_{i}");
            await peer.LogAsync($"job_{i}", new string('x', 500));
            await peer.ResultAsync($"job_{i}", "1");
        }

        await SyncAsync(peer);
        client.Counts.Jobs.Should().BeInRange(5, 8, "those that had ended made room");
        ChildJob first = await parent.OpenChildAsync(new JobId("job_0")).Soon();
        (await ReadsAsync(first, "job_19")).Should().BeTrue();
        await DelegateAsync(peer, "job_p", "job_long");
        for (int i = 0; i < 20; i++)
        {
            await peer.LogAsync("job_long", new string('x', 500));
        }

        await peer.ResultAsync("job_long", "1");
        await SyncAsync(peer);
        client.Counts.Jobs.Should().Be(3);
        (await ReadsAsync(parent, "job_long")).Should().BeFalse("there is nobody left to make room for it");
        (await ReadsAsync(parent, "job_0")).Should().BeTrue();
        await peer.ResultAsync("job_p", "1");
        (await Messages(parent)).Should().Equal("whole");

        JobHandle next = await peer.SubmitAsync(client, "job_q"); // another family
        await DelegateAsync(peer, "job_q", "job_c");
        await peer.LogAsync("job_c", new string('x', 500));
        await peer.LogAsync("job_c", "newest");
        await peer.ResultAsync("job_c", "1");
        await SyncAsync(peer);
        (await ReadsAsync(next, "job_c")).Should().BeTrue();
        await EndAsync(client, peer);

        static async Task<bool> ReadsAsync(JobView parent, string id)
        {
            await using ChildJob child = await parent.OpenChildAsync(new JobId(id)).Soon();
            try
            {
                await child.Events.ToListAsync().Soon();
                return true;
            }
            catch (EventsDroppedException)
            {
                return false;
            }
        }
    }

    [Fact]
    [Trait("§", "7.6")]
    public async Task A_subscribers_child_is_subscribed_to_when_it_is_opened()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        Task<Subscription> subscribing = client.SubscribeAsync(new JobId("job_p"));
        await SubscribedAsync(peer, await peer.ReceiveAsync("job.subscribe"), 0, replayed: false);
        Subscription parent = await subscribing.Soon();
        await DelegateAsync(peer, "job_p", "job_c");
        await SyncAsync(peer);
        parent.Children.Should().ContainSingle();
        client.Counts.Jobs.Should().Be(1);
        Task<ChildJob> opening = parent.OpenChildAsync(new JobId("job_c"));
        JsonElement frame = await peer.ReceiveAsync("job.subscribe");
        frame.Payload().GetRawText().Should().Be("""{"job_id":"job_c","from_event_seq":0,"history":true}""");
        await SubscribedAsync(peer, frame, 1, replayed: true);
        await peer.LogAsync("job_c", "one");
        await peer.LogAsync("job_c", "two");
        await peer.ResultAsync("job_c", "1");
        await using ChildJob child = await opening.Soon();
        (await Messages(child)).Should().Equal("one", "two");
        await EndAsync(client, peer);
    }

    [Fact]
    [Trait("§", "CL")]
    public async Task In_a_new_session_children_go_on_from_their_own_place_and_are_let_go_with_their_parent()
    {
        var network = new ScriptedNetwork();
        (ArcpClient client, ScriptedPeer peer) = await network.ConnectAsync();
        JobHandle parent = await peer.SubmitAsync(client, "job_p");
        await DelegateAsync(peer, "job_p", "job_c");
        await peer.LogAsync("job_c", "one");
        await peer.LogAsync("job_c", "two");
        await SyncAsync(peer);
        ChildJob child = await parent.OpenChildAsync(new JobId("job_c")).Soon();
        await peer.DisposeAsync();
        await network.RefuseAsync("RESUME_WINDOW_EXPIRED");
        peer = await network.WelcomeAsync("sess_2", "t2");
        JsonElement[] frames = [await peer.ReceiveAsync("job.subscribe"), await peer.ReceiveAsync("job.subscribe")];
        foreach (JsonElement frame in frames)
        {
            await SubscribedAsync(peer, frame, frame.Payload().GetProperty("from_event_seq").GetInt64(), replayed: true);
        }

        frames.Select(frame => (frame.Payload().GetProperty("job_id").GetString(), frame.Payload().GetProperty("from_event_seq").GetInt64()))
            .Should().BeEquivalentTo([("job_p", 1L), ("job_c", 2L)]);
        await peer.LogAsync("job_c", "three");
        await DelegateAsync(peer, "job_p", "job_late"); // whose frames go to the session of before
        await SyncAsync(peer);
        client.Counts.Jobs.Should().Be(2);
        parent.Children.Should().HaveCount(2);
        await using (IAsyncEnumerator<Core.Messages.JobEvent> events = child.Events.GetAsyncEnumerator())
        {
            foreach (string expected in new[] { "one", "two", "three" })
            {
                (await events.MoveNextAsync().Soon()).Should().BeTrue();
                ((Core.Events.LogEvent)events.Current.Body).Message.Should().Be(expected);
            }
        }

        await child.DisposeAsync();
        await parent.DisposeAsync();
        string?[] let = [(await peer.ReceiveAsync("job.unsubscribe")).Payload().GetProperty("job_id").GetString(), (await peer.ReceiveAsync("job.unsubscribe")).Payload().GetProperty("job_id").GetString()];
        let.Should().BeEquivalentTo("job_p", "job_c");
        client.Counts.Jobs.Should().Be(0);
        await EndAsync(client, peer);
    }

    [Fact]
    [Trait("§", "CL")]
    public async Task Frames_that_nobody_explains_are_unclaimed_when_no_parent_runs_any_more()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        await using JobHandle first = await peer.SubmitAsync(client, "job_1");
        JobHandle second = await peer.SubmitAsync(client, "job_2");
        await peer.LogAsync("job_x", "whose?");
        await peer.ResultAsync("job_1", "1");
        await first.GetResultAsync().Soon();
        await using IAsyncEnumerator<Envelope> unclaimed = client.UnclaimedMessages.GetAsyncEnumerator();
        ValueTask<bool> next = unclaimed.MoveNextAsync();
        next.IsCompleted.Should().BeFalse("the other job may have started it");
        await second.DisposeAsync();
        (await next.Soon()).Should().BeTrue();
        unclaimed.Current.Header.JobId.Should().Be(new JobId("job_x"));
        await EndAsync(client, peer);
    }

    private static Task DelegateAsync(ScriptedPeer peer, string parent, string child) =>
        peer.EventAsync(parent, "delegate", $$"""{"delegate_id":"d_{{child}}","child_job_id":"{{child}}","agent":"helper"}""");

    private static async Task<List<Envelope>> Unclaimed(ArcpClient client, ScriptedPeer peer)
    {
        await EndAsync(client, peer);
        return await client.UnclaimedMessages.ToListAsync().Soon();
    }

    private static async Task SyncAsync(ScriptedPeer peer)
    {
        await peer.SendAsync("session.ping", "\"id\":\"p\"", """{"nonce":"n"}""");
        await peer.ReceiveAsync("session.pong");
    }
}
