using System.Text.Json;
using Arcp.Core;
using Arcp.Core.Messages;
using Arcp.Core.Transports;

namespace Arcp.Client.Tests;

/// <summary>The end of connections: lost, closed by the runtime, closed by the client, at any moment.</summary>
[Trait("§", "CL")]
public sealed class ConnectionTests
{
    public static TheoryData<int, bool> Cuts()
    {
        var cuts = new TheoryData<int, bool>();
        for (int step = 0; step <= 9; step++)
        {
            cuts.Add(step, true);
            cuts.Add(step, false);
        }

        return cuts;
    }

    [Theory]
    [MemberData(nameof(Cuts))]
    public async Task A_connection_cut_behind_any_frame_ends_every_waiter(int frames, bool inOrder)
    {
        (Task<ArcpClient> connecting, ScriptedPeer peer) = ScriptedPeer.Dial();
        await peer.ReceiveAsync("session.hello");
        var waiters = new List<Task>();
        ArcpClient? client = null;
        JobHandle? job = null;
        JsonElement submit = default;
        Func<Task>[] script =
        [
            async () =>
            {
                await peer.SendAsync(ScriptedPeer.Welcome);
                client = await connecting.Soon();
                waiters.Add(client.SubmitAsync("echo"));
                submit = await peer.ReceiveAsync("job.submit");
                waiters.Add(client.SubmitAsync("waits for its turn"));
            },
            async () =>
            {
                await peer.AcceptAsync(submit, "job_1");
                job = await ((Task<JobHandle>)waiters[0]).Soon();
                waiters.AddRange([job.GetResultAsync(), job.Events.ToListAsync().AsTask(), job.GetResultAsync<int>(), job.CancelAsync()]);
            },
            () => peer.LogAsync("job_1", "a"),
            () => peer.SendAsync("job.cancelled", "\"job_id\":\"job_1\"", """{"job_id":"job_1"}"""),
            () => peer.LogAsync("job_early", "b"),
            () => peer.SendAsync("session.error", "\"id\":\"e\"", """{"code":"INTERNAL_ERROR","message":"slow consumer"}"""),
            () => peer.SendAsync("session.ping", "\"id\":\"e\"", """{"nonce":"n"}"""),
            () => peer.SendAsync("not json"),
            () => peer.SendAsync("job.error", "\"job_id\":\"job_1\"", """{"final_status":"error","code":"TIMEOUT","message":"m"}"""),
        ];
        foreach (Func<Task> step in script.Take(frames))
        {
            await step();
        }

        await (inOrder ? peer.CloseAsync() : peer.DisposeAsync().AsTask());
        if (client is null)
        {
            await Throws<ArcpConnectionException>(() => connecting.Soon());
            return;
        }

        foreach (Task waiter in waiters)
        {
            await ((Task)Task.WhenAny(waiter)).Soon();
            waiter.IsCanceled.Should().BeFalse();
            if (waiter.Exception?.InnerException is { } error)
            {
                error.Should().Match(e => e is ArcpConnectionException || e is ArcpException);
            }
        }

        (await Throws<ArcpConnectionException>(() => client.SubmitAsync("too late").Soon())).IsOutcomeUnknown.Should().BeFalse();
        if (frames is > 1 and <= 8)
        {
            ArcpConnectionException lost = await Throws<ArcpConnectionException>(() => job!.GetResultAsync().Soon());
            lost.Message.Should().NotBeEmpty();
            await Throws<ArcpConnectionException>(() => waiters[2].Soon());
        }

        await client.DisposeAsync().Soon();
        await peer.DisposeAsync();
    }

    [Fact]
    public async Task A_lost_connection_tells_whether_the_submit_was_sent_and_shows_events_up_to_the_loss()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        JobHandle job = await peer.SubmitAsync(client, "job_1");
        Task<JobHandle> sent = client.SubmitAsync("echo");
        await peer.ReceiveAsync("job.submit");
        await peer.LogAsync("job_1", "last");
        await peer.DisposeAsync();
        (await Throws<ArcpConnectionException>(() => sent.Soon())).IsOutcomeUnknown.Should().BeTrue();
        var seen = new List<JobEvent>();
        await Throws<ArcpConnectionException>(async () =>
        {
            await foreach (JobEvent entry in job.Events)
            {
                seen.Add(entry);
            }
        });
        seen.Should().ContainSingle();
        job.Status.Should().Be(JobStatus.Running);
        await client.DisposeAsync();

        (client, peer) = await ScriptedPeer.ConnectAsync();
        Task<JobHandle> first = client.SubmitAsync("echo");
        Task<JobHandle> unsent = client.SubmitAsync("echo");
        await peer.ReceiveAsync("job.submit");
        await peer.DisposeAsync();
        (await Throws<ArcpConnectionException>(() => first.Soon())).IsOutcomeUnknown.Should().BeTrue();
        (await Throws<ArcpConnectionException>(() => unsent.Soon())).IsOutcomeUnknown.Should().BeFalse();
        await client.DisposeAsync();
    }

    [Theory]
    [InlineData("session.error", """{"code":"HEARTBEAT_LOST","message":"silence"}""", "HEARTBEAT_LOST")]
    [InlineData("session.error", """{"code":"UNAUTHENTICATED","message":"token expired"}""", "UNAUTHENTICATED")]
    [InlineData("session.error", """{"code":"RESUME_WINDOW_EXPIRED","message":"late"}""", "RESUME_WINDOW_EXPIRED")]
    [InlineData("session.closed", """{"reason":"maintenance"}""", null)]
    public async Task The_runtime_ends_the_session_and_everybody_is_told_why(string type, string payload, string? code)
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        JobHandle job = await peer.SubmitAsync(client, "job_1");
        Task<RawJson> result = job.GetResultAsync();
        await peer.SendAsync(type, "\"id\":\"e\"", payload);
        ArcpConnectionException error = await Throws<ArcpConnectionException>(() => result.Soon());
        (error.InnerException as ArcpException)?.Code.Value.Should().Be(code);
        error.Message.Should().Contain(code ?? "maintenance");
        (await peer.SeesEndAsync()).Should().BeTrue();
        await client.DisposeAsync().Soon();
    }

    [Fact]
    public async Task What_the_runtime_said_last_is_the_cause_when_it_then_hangs_up()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        JobHandle job = await peer.SubmitAsync(client, "job_1");
        await peer.SendAsync("session.error", "\"id\":\"e\"", """{"code":"INTERNAL_ERROR","message":"slow consumer"}""");
        await peer.CloseAsync();
        ArcpConnectionException error = await Throws<ArcpConnectionException>(() => job.GetResultAsync().Soon());
        error.InnerException.Should().BeOfType<ArcpException>().Which.Message.Should().Be("slow consumer");
        await client.DisposeAsync().Soon();
    }

    [Fact]
    [Trait("§", "4")]
    public async Task A_frame_that_is_too_large_or_too_deep_ends_the_connection()
    {
        foreach (string frame in new[] { $$"""{"type":"x","payload":"{{new string('x', 3000)}}"}""", $$"""{"type":"x","payload":{{new string('[', 70)}}{{new string(']', 70)}}}""" })
        {
            (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync(new() { MaxFrameBytes = 2000 });
            JobHandle job = await peer.SubmitAsync(client, "job_1");
            await peer.SendAsync(frame);
            await Throws<ArcpConnectionException>(() => job.GetResultAsync().Soon());
            (await peer.SeesEndAsync()).Should().BeTrue();
            await client.DisposeAsync().Soon();
        }
    }

    [Fact]
    [Trait("§", "5")]
    public async Task Frames_that_mean_nothing_do_not_disturb()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        JobHandle job = await peer.SubmitAsync(client, "job_1");
        string[] noise =
        [
            "[]", "{", """{"type":""}""", """{"type":"session.news","payload":{}}""", """{"type":"job.submit","payload":{"agent":"x"}}""",
            """{"type":"job.event","job_id":"job_1","payload":{"kind":7}}""", """{"type":"job.event","payload":{"kind":"log","body":{}}}""",
            """{"type":"session.pong","payload":{}}""", """{"type":"session.jobs","payload":{"jobs":null}}""", """{"arcp":"2","type":"job.result","job_id":"job_1","payload":{}}""",
            """{"type":"session.error","payload":{"code":[]}}""", ScriptedPeer.Welcome,
        ];
        foreach (string frame in noise)
        {
            await peer.SendAsync(frame);
        }

        await peer.ResultAsync("job_1", "1");
        (await job.GetResultAsync().Soon()).ToString().Should().Be("1");
        await peer.DisposeAsync();
        await client.DisposeAsync();
    }

    [Fact]
    [Trait("§", "6.7")]
    public async Task Closing_says_goodbye_waits_for_the_answer_and_then_closes()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        JobHandle job = await peer.SubmitAsync(client, "job_1");
        Task closing = client.CloseAsync("done");
        JsonElement close = await peer.ReceiveAsync("session.close");
        close.Payload().GetRawText().Should().Be("""{"reason":"done"}""");
        closing.IsCompleted.Should().BeFalse();
        await Throws<ArcpConnectionException>(() => client.SubmitAsync("too late").Soon());
        await peer.SendAsync("session.closed", "\"id\":\"c\"", """{"reason":"done"}""");
        await closing.Soon();
        (await peer.SeesEndAsync()).Should().BeTrue();
        (await Throws<ArcpConnectionException>(() => job.GetResultAsync().Soon())).Message.Should().Be("The client has been closed.");
        await client.DisposeAsync().Soon();
        await job.DisposeAsync();
    }

    [Theory]
    [InlineData("session.error", "\"request_id\":\"<id>\"")]
    [InlineData("session.error", "\"id\":\"e\"")]
    public async Task A_runtime_that_rejects_the_close_is_told_goodbye_in_its_own_word(string type, string members)
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        Task closing = client.CloseAsync();
        JsonElement close = await peer.ReceiveAsync("session.close");
        await peer.SendAsync(type, members.Replace("<id>", close.Id(), StringComparison.Ordinal), """{"code":"INVALID_REQUEST","message":"unknown type"}""");
        JsonElement bye = await peer.ReceiveAsync("session.bye");
        bye.GetProperty("session_id").GetString().Should().Be("sess_1");
        bye.Id().Should().NotBe(close.Id());
        await peer.CloseAsync();
        await closing.Soon();
    }

    [Fact]
    public async Task What_the_runtime_said_before_a_write_failed_is_still_heard()
    {
        (InMemoryTransport near, InMemoryTransport far) = InMemoryTransport.CreatePair();
        var transport = new BreakableTransport(near);
        Task<ArcpClient> connecting = ArcpClient.ConnectAsync(_ => ValueTask.FromResult<ITransport>(transport), new() { Reconnect = { Enabled = false } });
        var peer = new ScriptedPeer(far);
        await peer.ReceiveAsync("session.hello");
        await peer.SendAsync(ScriptedPeer.Welcome);
        ArcpClient client = await connecting.Soon();
        JobHandle job = await peer.SubmitAsync(client, "job_1");
        transport.CannotWrite = true;
        Task<JobHandle> lost = client.SubmitAsync("echo");
        await transport.HasFailed.Task.Soon();
        await peer.ResultAsync("job_1", "1");
        (await job.GetResultAsync().Soon()).ToString().Should().Be("1");
        await peer.CloseAsync();
        await Throws<ArcpConnectionException>(() => lost.Soon());
        await client.DisposeAsync().Soon();
    }

    [Fact]
    public async Task A_broken_writer_ends_every_waiter_even_if_the_reader_notices_nothing()
    {
        var clock = new ManualClock();
        (InMemoryTransport near, InMemoryTransport far) = InMemoryTransport.CreatePair();
        var transport = new BreakableTransport(near);
        Task<ArcpClient> connecting = ArcpClient.ConnectAsync(_ => ValueTask.FromResult<ITransport>(transport), new()
        {
            TimeProvider = clock,
            RequestTimeout = Timeout.InfiniteTimeSpan, // the clock below runs as fast as it can
            Reconnect = { Enabled = false },
            Features = FeatureNames.All & ~Features.Heartbeat, // or silence, which runs as fast, may be the first to end it
        });
        var peer = new ScriptedPeer(far);
        await peer.ReceiveAsync("session.hello");
        await peer.SendAsync(ScriptedPeer.Welcome);
        ArcpClient client = await connecting.Soon();
        transport.CannotWrite = true;
        Task<JobHandle> lost = client.SubmitAsync("echo");
        await Bounded.UntilAsync(() =>
        {
            clock.Advance(TimeSpan.FromSeconds(0.1));
            return lost.IsCompleted;
        });
        (await Throws<ArcpConnectionException>(() => lost.Soon())).InnerException.Should().BeOfType<TransportException>();
        await client.DisposeAsync().Soon();
    }

    [Fact]
    [Trait("§", "6.7")]
    public async Task A_runtime_that_does_not_answer_a_close_is_left_after_the_time_out()
    {
        var clock = new ManualClock();
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync(new() { TimeProvider = clock });
        JobHandle job = await peer.SubmitAsync(client, "job_1");
        Task closing = client.DisposeAsync().AsTask();
        await peer.ReceiveAsync("session.close");
        clock.Advance(TimeSpan.FromSeconds(1.9));
        closing.IsCompleted.Should().BeFalse();
        clock.Advance(TimeSpan.FromSeconds(0.2));
        (await peer.SeesEndAsync()).Should().BeTrue("our side is closed");
        await Bounded.UntilAsync(() =>
        {
            clock.Advance(TimeSpan.FromSeconds(1)); // the peer keeps its side open
            return closing.IsCompleted;
        });
        await closing.Soon();
        await Throws<ArcpConnectionException>(() => job.GetResultAsync().Soon());
    }

    [Fact]
    public async Task Disposal_is_idempotent_and_concurrent_safe()
    {
        for (int round = 0; round < 50; round++)
        {
            (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
            JobHandle job = await peer.SubmitAsync(client, "job_1");
            Task<JobHandle>[] submits = [.. Enumerable.Range(0, 8).Select(_ => client.SubmitAsync("echo"))];
            Task<RawJson> result = job.GetResultAsync();
            using var barrier = new Barrier(5);
            Task[] ends =
            [
                .. Enumerable.Range(0, 3).Select(_ => Task.Run(() => { barrier.SignalAndWait(); return client.DisposeAsync().AsTask(); })),
                Task.Run(() => { barrier.SignalAndWait(); return job.DisposeAsync().AsTask(); }),
                Task.Run(() => { barrier.SignalAndWait(); return peer.DisposeAsync().AsTask(); }),
            ];
            await Task.WhenAll(ends).Soon();
            foreach (Task<JobHandle> submit in submits)
            {
                await Throws<ArcpConnectionException>(() => submit.Soon());
            }

            await ((Task)Task.WhenAny(result)).Soon();
            result.Exception!.InnerException.Should().Match(e => e is ArcpConnectionException || e is ObjectDisposedException);
            await client.DisposeAsync().Soon();
        }
    }

    [Fact]
    [Trait("§", "6.4")]
    public async Task A_flood_of_pings_towards_a_peer_that_does_not_read_stays_bounded_and_the_newest_is_answered()
    {
        (InMemoryTransport near, InMemoryTransport far) = InMemoryTransport.CreatePair(capacity: 1);
        Task<ArcpClient> connecting = ArcpClient.ConnectAsync(_ => ValueTask.FromResult<ITransport>(near));
        using var frame = new FrameBuffer(1 << 20);
        await far.ReadAsync(frame, CancellationToken.None).Soon();
        await far.WriteAsync(System.Text.Encoding.UTF8.GetBytes(ScriptedPeer.Welcome.ReplaceLineEndings(" ")), CancellationToken.None).Soon();
        ArcpClient client = await connecting.Soon();
        for (int i = 0; i < 1000; i++)
        {
            await far.WriteAsync(System.Text.Encoding.UTF8.GetBytes($$$"""{"type":"session.ping","payload":{"nonce":"{{{i}}}"}}"""), CancellationToken.None).Soon();
        }

        int pongs = 0;
        string? nonce = null;
        while (nonce != "999")
        {
            frame.Clear();
            await far.ReadAsync(frame, CancellationToken.None).Soon();
            nonce = JsonElement.Parse(frame.WrittenSpan).Payload().GetProperty("ping_nonce").GetString();
            pongs++;
        }

        pongs.Should().BeLessThan(100);
        await far.DisposeAsync();
        await client.DisposeAsync().Soon();
    }

    private static async Task<T> Throws<T>(Func<Task> act)
        where T : Exception => (await act.Should().ThrowAsync<T>()).Which;
}
