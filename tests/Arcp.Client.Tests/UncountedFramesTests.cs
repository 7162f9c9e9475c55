using System.Text.Json;
using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Messages;
using Arcp.Core.Transports;
using static Arcp.Client.Tests.ReconnectTests;

namespace Arcp.Client.Tests;

/// <summary>Frames of a job carry no place in its log. What comes of a job before the client knows from where on it reads it must not be counted as if it stood at the beginning.</summary>
[Trait("§", "7.6")]
public sealed class UncountedFramesTests
{
    private static readonly SubmitOptions Keyed = new() { IdempotencyKey = "k" };

    // Without acks between the frames that are looked for.
    private static ArcpClientOptions Options => new() { Features = FeatureNames.All & ~Features.Ack, Reconnect = { Enabled = false } };

    [Fact]
    public async Task A_job_that_ends_before_its_own_subscription_is_answered_has_a_gap_when_another_one_was_sent_before()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync(Options);
        Task<JobHandle> submitting = client.SubmitAsync("echo", options: Keyed);
        JsonElement submit = await peer.ReceiveAsync("job.submit");
        Task<Subscription> subscribing = client.SubscribeAsync(new JobId("job_1"));
        JsonElement fromNow = await peer.ReceiveAsync("job.subscribe");
        await AcceptElsewhereAsync(peer, submit, "job_1");
        JsonElement own = await peer.ReceiveAsync("job.subscribe");
        await EndJobAsync(peer, "job_1", 1); // the first subscription has got through, its answer has not
        await SubscribedAsync(peer, fromNow, 7, replayed: false);
        await SubscribedAsync(peer, own, 7, replayed: false);
        JobHandle job = await submitting.Soon();
        (await Messages(job)).Should().BeEmpty();
        job.MayMissEvents.Should().BeTrue();
        await subscribing.Soon();
        await EndAsync(client, peer);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_job_that_ends_before_its_own_subscription_is_sent_has_a_gap_when_another_one_was(bool isSentBeforeTheAcceptance)
    {
        (InMemoryTransport near, InMemoryTransport far) = InMemoryTransport.CreatePair(capacity: 4096);
        var transport = new GatedTransport(near);
        var peer = new ScriptedPeer(far);
        Task<ArcpClient> connecting = ArcpClient.ConnectAsync(_ => ValueTask.FromResult<ITransport>(transport), Options);
        await peer.ReceiveAsync("session.hello");
        await peer.SendAsync(ScriptedPeer.Welcome);
        ArcpClient client = await connecting.Soon();
        Task<JobHandle> submitting = client.SubmitAsync("echo", options: Keyed);
        JsonElement submit = await peer.ReceiveAsync("job.submit");
        Task<Subscription>? subscribing = null;
        JsonElement fromNow = default;
        if (isSentBeforeTheAcceptance)
        {
            subscribing = client.SubscribeAsync(new JobId("job_1"));
            fromNow = await peer.ReceiveAsync("job.subscribe");
        }

        transport.Close();
        Task<List<JobSummary>> listing = client.ListJobsAsync().ToListAsync().AsTask(); // stands in the way of what is queued behind it
        JsonElement list = await peer.ReceiveAsync("session.list_jobs");
        subscribing ??= client.SubscribeAsync(new JobId("job_1"));
        await AcceptElsewhereAsync(peer, submit, "job_1");
        await LogAsync(peer, "job_9", 1);
        await client.UnclaimedMessages.FirstAsync().AsTask().Soon(); // the acceptance has been read
        if (!isSentBeforeTheAcceptance)
        {
            transport.LetNext();
            fromNow = await peer.ReceiveAsync("job.subscribe");
        }

        await EndJobAsync(peer, "job_1", 2);
        await peer.SendAsync("session.jobs", $"\"request_id\":\"{list.Id()}\"", """{"jobs":[],"next_cursor":null}""");
        await listing.Soon(); // and so has the job's end
        transport.Open();
        await SubscribedAsync(peer, fromNow, 7, replayed: false);
        Task answering = AnswerSubscriptionsAsync(far, peer);
        JobHandle job = await submitting.Soon();
        (await Messages(job)).Should().BeEmpty();
        job.MayMissEvents.Should().BeTrue();
        await subscribing.Soon();
        Task closing = client.DisposeAsync().AsTask();
        await peer.CloseAsync();
        await closing.Soon();
        await answering.Soon();
        await peer.DisposeAsync();
    }

    [Fact]
    public async Task Events_that_belonged_to_nobody_are_missing_for_whoever_follows_their_job_later()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync(Options);
        using var cancel = new CancellationTokenSource();
        Task<JobHandle> abandoned = client.SubmitAsync("echo", options: Keyed, cancellationToken: cancel.Token);
        await peer.ReceiveAsync("job.submit");
        await cancel.CancelAsync();
        await Throws<OperationCanceledException>(() => abandoned.Soon());
        await LogAsync(peer, "job_1", 1); // its job, whose acceptance was lost
        await client.UnclaimedMessages.FirstAsync().AsTask().Soon();
        await FollowsLateAsync(client, peer, "job_1", seq: 2);
    }

    [Fact]
    public async Task Events_that_were_held_and_given_up_are_missing_for_whoever_follows_their_job_later()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync(Options);
        Task<JobHandle> refused = client.SubmitAsync("echo");
        JsonElement submit = await peer.ReceiveAsync("job.submit");
        await LogAsync(peer, "job_1", 1); // held: it may be the job of this submit
        await peer.SendAsync("session.error", $"\"request_id\":\"{submit.Id()}\"", """{"code":"PERMISSION_DENIED","message":"no"}""");
        await Throws<ArcpException>(() => refused.Soon());
        (await client.UnclaimedMessages.FirstAsync().AsTask().Soon()).Header.JobId.Should().Be(new JobId("job_1"));
        await FollowsLateAsync(client, peer, "job_1", seq: 2);
    }

    [Fact]
    public async Task A_job_whose_held_events_gave_way_to_too_many_others_does_not_pretend_to_be_whole()
    {
        const int jobs = 1025; // one more than are held
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync(Options);
        Task<JobHandle> submitting = client.SubmitAsync("echo");
        JsonElement submit = await peer.ReceiveAsync("job.submit");
        for (int i = 1; i <= jobs; i++)
        {
            await LogAsync(peer, $"job_{i}", i);
        }

        await peer.AcceptAsync(submit, "job_1");
        JsonElement own = await peer.ReceiveAsync("job.subscribe");
        own.Payload().GetProperty("from_event_seq").GetInt64().Should().Be(0);
        await SubscribedAsync(peer, own, 1, replayed: false);
        await EndJobAsync(peer, "job_1", jobs + 1);
        JobHandle job = await submitting.Soon();
        (await Messages(job)).Should().BeEmpty();
        job.MayMissEvents.Should().BeTrue();
        await EndAsync(client, peer);
    }

    private static async Task FollowsLateAsync(ArcpClient client, ScriptedPeer peer, string jobId, long seq)
    {
        Task<JobHandle> submitting = client.SubmitAsync("echo", options: Keyed);
        JsonElement submit = await peer.ReceiveAsync("job.submit");
        await EndJobAsync(peer, jobId, seq);
        await AcceptElsewhereAsync(peer, submit, jobId);
        JobHandle job = await submitting.Soon();
        (await Messages(job)).Should().BeEmpty();
        job.MayMissEvents.Should().BeTrue();
        (await job.GetResultAsync<int>().Soon()).Should().Be(1);
        await EndAsync(client, peer);
    }

    // The job's own subscription, should it still have been sent.
    private static async Task AnswerSubscriptionsAsync(InMemoryTransport far, ScriptedPeer peer)
    {
        using var frame = new FrameBuffer(1 << 24);
        while (await far.ReadAsync(frame, CancellationToken.None) is FrameReadStatus.Frame)
        {
            JsonElement request = JsonElement.Parse(frame.WrittenSpan);
            frame.Clear();
            if (request.Type() is "job.subscribe")
            {
                await SubscribedAsync(peer, request, 7, replayed: false);
            }
        }
    }

    // A key that was used before: the trace is the first submit's (§7.2).
    private static Task AcceptElsewhereAsync(ScriptedPeer peer, JsonElement submit, string job) =>
        peer.SendAsync("job.accepted", $"\"id\":\"a\",\"job_id\":\"{job}\",\"request_id\":\"{submit.Id()}\"", $$"""{"job_id":"{{job}}","agent":"echo@1.0.0","lease":{},"trace_id":"{{TraceContext.New().TraceId}}"}""");

    private static Task EndJobAsync(ScriptedPeer peer, string job, long seq) =>
        peer.SendAsync("job.result", $"\"job_id\":\"{job}\",\"event_seq\":{seq}", """{"final_status":"success","result":1}""");
}
