using Arcp.Core;
using Arcp.Core.Transports;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Sessions;

[Trait("Section", "6.3")]
public class ResumeTests
{
    [Fact]
    public async Task Dropped_at_any_frame_boundary_a_stream_of_200_events_arrives_once_each_in_order()
    {
        await using var runtime = new TestRuntime();
        for (int boundary = 0; boundary <= 203; boundary++)
        {
            WireClient client = runtime.Connect(capacity: 1 + (boundary % 300));
            await client.HelloAsync();
            await client.SendAsync("job.submit", new { agent = "count", input = new { n = 200 } });
            int submitted = boundary + 1;
            await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().Jobs == submitted, "the submit has arrived");
            var received = new Received();
            for (int i = 0; i < boundary; i++)
            {
                received.Add((await client.ReceiveAsync())!);
            }

            await client.DisposeAsync();
            await using WireClient again = runtime.Connect();
            (await again.ResumeAsync(client.ResumeToken, received.Seqs.LastOrDefault())).SessionId.Should().Be(client.SessionId);
            while (!received.HasEnded)
            {
                received.Add((await again.ReceiveAsync())!);
            }

            received.Seqs.Should().Equal(Enumerable.Range(1, 202).Select(n => (long)n), "the connection was lost behind frame {0}", boundary);
            received.Acceptances.Should().BeInRange(1, 2, "an acceptance is not lost behind frame {0}, and comes again only as long as nothing shows that it was received", boundary);
            await again.CloseAsync();
        }
    }

    [Fact]
    public async Task Dropped_after_every_single_frame_the_stream_still_arrives_once_each_in_order()
    {
        await using var runtime = new TestRuntime();
        WireClient client = runtime.Connect();
        await client.HelloAsync();
        await client.SendAsync("job.submit", new { agent = "count", input = new { n = 60 } });
        var received = new Received();
        while (!received.HasEnded)
        {
            WireFrame frame = (await client.ReceiveAsync())!;
            received.Add(frame);
            if (frame.EventSeq is { } seq)
            {
                string token = client.ResumeToken;
                await client.DisposeAsync();
                client = runtime.Connect();
                await client.ResumeAsync(token, seq);
            }
        }

        received.Seqs.Should().Equal(Enumerable.Range(1, 62).Select(n => (long)n));
        await client.DisposeAsync();
    }

    [Fact]
    public async Task Answers_that_were_read_for_sure_do_not_come_again()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();
        await client.RunJobAsync("echo");
        string id = await client.SendAsync("job.submit", new { agent = "nobody" });
        await client.ExpectRefusalAsync(id, "AGENT_NOT_AVAILABLE");
        await client.RunJobAsync("echo");
        await client.DisposeAsync();

        await using WireClient again = runtime.Connect();
        await again.ResumeAsync(client.ResumeToken, 4); // a number behind all answers

        await again.ExpectQuietAsync();
    }

    [Fact]
    public async Task What_is_sent_again_has_the_same_bytes()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();
        List<WireFrame> first = await client.RunJobAsync("count", new { n = 50 });
        first.AddRange(await client.RunJobAsync("echo", new { x = 1.0 }));
        List<string> sent = [.. first.Where(frame => frame.EventSeq is not null).Select(frame => frame.Text)];
        await client.DisposeAsync();

        string token = client.ResumeToken;
        foreach (int last in new[] { 0, 10, 51, 53, 54 })
        {
            await using WireClient again = runtime.Connect();
            await again.ResumeAsync(token, last);
            token = again.ResumeToken;
            var texts = new List<string>();
            while (texts.Count < sent.Count - last)
            {
                WireFrame frame = (await again.ReceiveAsync())!;
                if (frame.EventSeq is not null)
                {
                    texts.Add(frame.Text);
                }
            }

            texts.Should().Equal(sent.Skip(last));
            await again.SendAsync("session.ping");
            (await again.SkipToAsync("session.pong")).Should().NotBeNull();
        }
    }

    [Fact]
    public async Task An_acceptance_comes_again_until_a_number_shows_that_it_was_received()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();
        WireFrame accepted = await client.SubmitAsync("wait");
        await client.DisposeAsync();

        await using WireClient second = runtime.Connect();
        await second.ResumeAsync(client.ResumeToken, 0);
        (await second.ExpectAsync("job.accepted")).Text.Should().Be(accepted.Text, "it is the same frame");
        (await second.ExpectAsync("job.event")).EventSeq.Should().Be(1);
        await second.DisposeAsync();

        await using WireClient third = runtime.Connect();
        await third.ResumeAsync(second.ResumeToken, 1);
        await third.SendAsync("job.cancel", new { job_id = accepted.JobId });
        await third.ExpectAsync("job.cancelled");
    }

    [Fact]
    public async Task Many_jobs_at_once_run_on_while_nobody_is_connected()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync("secret-a", "progress"); // without ack there is no warning of back-pressure among the numbers
        const int jobs = 20;
        for (int i = 0; i < jobs; i++)
        {
            await client.SendAsync("job.submit", new { agent = "count", input = new { n = 100 } });
        }

        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().Jobs == jobs, "all submits have arrived");
        var received = new Received();
        while (received.Seqs.Count < 30)
        {
            received.Add((await client.ReceiveAsync())!);
        }

        await client.DisposeAsync();
        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics() is { Jobs: jobs, RunningJobs: 0 }, "all jobs have run on");
        await using WireClient again = runtime.Connect();
        await again.ResumeAsync(client.ResumeToken, 30);
        while (received.Terminals < jobs)
        {
            received.Add((await again.ReceiveAsync())!);
        }

        received.Seqs.Should().Equal(Enumerable.Range(1, jobs * 102).Select(n => (long)n));
        received.PerJob.Should().HaveCount(jobs).And.AllSatisfy(job => job.Value.Should().Be(102));
    }

    [Theory]
    [InlineData("""{"type":"session.resume","payload":{"resume_token":"TOKEN","last_event_seq":1}}""")]
    [InlineData("""{"type":"session.resume","payload":{"resume_token":"TOKEN","last_event_seq":1,"auth":{"scheme":"bearer","token":"secret-a"}}}""")]
    [InlineData("""{"type":"session.hello","payload":{"auth":{"scheme":"bearer","token":"secret-a"},"resume_token":"TOKEN","last_event_seq":1}}""")]
    [InlineData("""{"type":"session.hello","payload":{"auth":{"scheme":"bearer","token":"secret-a"},"resume":{"resume_token":"TOKEN","last_event_seq":1}}}""")]
    [InlineData("""{"type":"session.hello","payload":{"auth":{"scheme":"bearer","token":"secret-a"},"resume":{"token":"TOKEN","session_id":"SESSION","last_event_seq":1}}}""")]
    [InlineData("""{"type":"session.hello","payload":{"auth":{"scheme":"bearer","token":"secret-a"},"resume":{"resume_token":"TOKEN"},"last_event_seq":1}}""")]
    [InlineData("""{"type":"session.hello","payload":{"auth":{"scheme":"bearer","token":"secret-a"},"resume":{"resume_token":"TOKEN","last_event_seq":1},"resume_token":"TOKEN","last_event_seq":1}}""")]
    public async Task All_forms_of_resume_go_on_behind_the_last_number(string frame)
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();
        await client.RunJobAsync("count", new { n = 1 });
        await client.DisposeAsync();

        await using WireClient again = runtime.Connect();
        await again.SendRawAsync(frame.Replace("TOKEN", client.ResumeToken, StringComparison.Ordinal).Replace("SESSION", client.SessionId, StringComparison.Ordinal));

        WireFrame welcome = await again.ExpectAsync("session.welcome");
        welcome.SessionId.Should().Be(client.SessionId);
        ((string?)welcome.Payload["resume_token"]).Should().NotBe(client.ResumeToken);
        (await again.SkipToAsync("job.event")).EventSeq.Should().Be(2);
        (await again.ExpectAsync("job.result")).EventSeq.Should().Be(3);
        await again.ExpectQuietAsync();
    }

    [Theory]
    [InlineData(-5L)]
    [InlineData(null)]
    public async Task No_last_number_or_a_negative_one_counts_as_zero(long? last)
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();
        await client.RunJobAsync("echo");
        await client.DisposeAsync();

        await using WireClient again = runtime.Connect();
        await again.SendAsync("session.resume", last is null ? new { resume_token = client.ResumeToken } : new { resume_token = client.ResumeToken, last_event_seq = last });
        await again.ExpectAsync("session.welcome");

        (await again.SkipToAsync("job.event")).EventSeq.Should().Be(1);
    }

    [Fact]
    public async Task A_token_is_good_once_and_every_welcome_gives_a_new_one()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();
        var tokens = new HashSet<string> { client.ResumeToken };
        await client.DisposeAsync();
        string token = client.ResumeToken;
        for (int i = 0; i < 5; i++)
        {
            await using WireClient again = runtime.Connect();
            await again.ResumeAsync(token, 0);
            tokens.Add(again.ResumeToken).Should().BeTrue();
            await again.CloseAsync();
            await again.DisposeAsync();

            await ExpectExpiredAsync(runtime, new { resume_token = token });
            token = again.ResumeToken;
        }
    }

    [Fact]
    public async Task A_failed_attempt_consumes_nothing()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync("secret-a");
        await client.RunJobAsync("echo");
        await client.DisposeAsync();
        string token = client.ResumeToken;

        await ExpectExpiredAsync(runtime, new { resume_token = token, auth = new { scheme = "bearer", token = "secret-b" } });
        await ExpectExpiredAsync(runtime, new { resume_token = token, auth = new { scheme = "bearer", token = "secret-b" } }, "session.hello");
        await ExpectExpiredAsync(runtime, new { resume_token = token, last_event_seq = 3 });
        await ExpectExpiredAsync(runtime, new { resume_token = token, last_event_seq = long.MaxValue });
        await ExpectExpiredAsync(runtime, new { resume_token = token + "x" });
        await ExpectExpiredAsync(runtime, new { resume_token = "" });
        await using (WireClient wrong = runtime.Connect())
        {
            await wrong.SendAsync("session.resume", new { resume_token = token, auth = new { scheme = "bearer", token = "wrong" } });
            (await wrong.ExpectAsync("session.error")).Code.Should().Be("UNAUTHENTICATED");
        }

        await using WireClient again = runtime.Connect();
        await again.ResumeAsync(token, 2);
        again.SessionId.Should().Be(client.SessionId);
    }

    [Fact]
    public async Task What_is_no_longer_held_cannot_be_resumed_and_what_is_held_can()
    {
        await using var runtime = new TestRuntime(builder => builder.Options.MaxHeldFramesPerSession = 10);
        await using WireClient client = await runtime.OpenAsync();
        await client.RunJobAsync("count", new { n = 28 }); // 30 numbers, 21 to 30 are held
        await client.DisposeAsync();

        await ExpectExpiredAsync(runtime, new { resume_token = client.ResumeToken, last_event_seq = 19 });
        await using WireClient again = runtime.Connect();
        await again.ResumeAsync(client.ResumeToken, 20);

        (await again.SkipToAsync("job.event")).EventSeq.Should().Be(21);
    }

    [Fact]
    public async Task The_window_runs_from_the_disconnect_and_a_connected_session_never_expires()
    {
        var clock = new ManualClock();
        await using var runtime = new TestRuntime(clock: clock);
        await using WireClient client = await runtime.OpenAsync();
        WireFrame accepted = await client.SubmitAsync("wait");
        await client.ExpectAsync("job.event");

        clock.Advance(TimeSpan.FromDays(30));
        await client.ExpectQuietAsync();
        await client.CloseAsync();
        await client.DisposeAsync();
        await runtime.ConnectionsEndedAsync();
        clock.Advance(TimeSpan.FromSeconds(599));
        WireClient again = runtime.Connect();
        await again.ResumeAsync(client.ResumeToken, 1);
        clock.Advance(TimeSpan.FromSeconds(1));
        await again.ExpectQuietAsync();
        await again.CloseAsync();
        await again.DisposeAsync();
        await runtime.ConnectionsEndedAsync();

        clock.Advance(TimeSpan.FromSeconds(600));

        runtime.Runtime.GetStatistics().Sessions.Should().Be(0);
        clock.ActiveTimers.Should().Be(0, "nothing waits for the session any more");
        await ExpectExpiredAsync(runtime, new { resume_token = again.ResumeToken, last_event_seq = 1 });
        runtime.Runtime.GetStatistics().RunningJobs.Should().Be(1, "jobs outlive their session");
        await using WireClient other = await runtime.OpenAsync();
        await other.SendAsync("job.subscribe", new { job_id = accepted.JobId, from_event_seq = 0 });
        await other.ExpectAsync("job.subscribed");
    }

    [Fact]
    public async Task A_subscription_runs_on_across_a_resume()
    {
        await using TestRuntime runtime = Gated(out TaskCompletionSource gate);
        await using WireClient submitter = await runtime.OpenAsync();
        await using WireClient watcher = await runtime.OpenAsync();
        WireFrame accepted = await submitter.SubmitAsync("gated");
        await submitter.ExpectAsync("job.event");
        await watcher.SendAsync("job.subscribe", new { job_id = accepted.JobId, from_event_seq = 0 });
        await watcher.ExpectAsync("job.subscribed");
        (await watcher.ExpectAsync("job.event")).EventSeq.Should().Be(1);
        await watcher.DisposeAsync();

        gate.SetResult();
        await submitter.ReadJobAsync(accepted.JobId!);
        await using WireClient again = runtime.Connect();
        await again.ResumeAsync(watcher.ResumeToken, 1);

        List<WireFrame> rest = await again.ReadJobAsync(accepted.JobId!);
        rest.Select(frame => frame.EventSeq).Should().Equal(2, 3);
        rest[^1].Type.Should().Be("job.result");
    }

    [Fact]
    public async Task A_session_cancels_its_job_after_a_resume()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();
        WireFrame accepted = await client.SubmitAsync("wait");
        await client.DisposeAsync();
        await using WireClient again = runtime.Connect();
        await again.ResumeAsync(client.ResumeToken, 0);

        await again.SendAsync("job.cancel", new { job_id = accepted.JobId });

        await again.SkipToAsync("job.cancelled");
        (await again.SkipToAsync("job.error")).FinalStatus.Should().Be("cancelled");
    }

    [Fact]
    public async Task A_resume_takes_over_a_connection_that_still_looks_alive()
    {
        await using var runtime = new TestRuntime();
        await using WireClient old = await runtime.OpenAsync();
        WireFrame accepted = await old.SubmitAsync("wait");
        await old.ExpectAsync("job.event");

        await using WireClient next = runtime.Connect();
        await next.ResumeAsync(old.ResumeToken, 1);

        await old.ExpectAsync("session.closed");
        await old.ExpectEndAsync();
        next.SessionId.Should().Be(old.SessionId);
        await next.SendAsync("job.cancel", new { job_id = accepted.JobId });
        await next.SkipToAsync("job.cancelled");
        (await next.ExpectAsync("job.error")).EventSeq.Should().Be(2);
    }

    [Fact]
    public async Task A_resume_does_not_wait_for_the_peer_that_it_takes_over_from_which_is_cut_250_ms_later()
    {
        var clock = new ManualClock();
        await using var runtime = new TestRuntime(clock: clock);
        await using WireClient old = await runtime.OpenAsync();
        await using WireClient next = runtime.Connect();

        await next.ResumeAsync(old.ResumeToken, 0);
        await next.RunJobAsync("echo");
        clock.Advance(TimeSpan.FromMilliseconds(249));
        await next.ExpectQuietAsync();
        runtime.Runtime.GetStatistics().Connections.Should().Be(2, "the old one may still read that it is over");
        clock.Advance(TimeSpan.FromMilliseconds(1));
        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().Connections == 1, "the end of the old connection");
        await next.ExpectQuietAsync();
    }

    [Fact]
    public async Task What_a_client_still_sends_when_it_has_been_taken_over_does_nothing()
    {
        var clock = new ManualClock();
        await using var runtime = new TestRuntime(clock: clock);
        await using WireClient old = await runtime.OpenAsync();
        await using WireClient next = runtime.Connect();
        await next.ResumeAsync(old.ResumeToken, 0);

        await old.SendAsync("job.submit", new { agent = "echo" });
        await old.SendAsync("session.close");
        await old.ExpectAsync("session.closed");
        await old.CloseAsync();
        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().Connections == 1, "the end of the old connection");

        await next.ExpectQuietAsync();
        runtime.Runtime.GetStatistics().Jobs.Should().Be(0);
        string jobId = (await next.RunJobAsync("echo"))[0].JobId!;
        jobId.Should().NotBeNull("the end of the old connection is none of the session");
    }

    [Fact]
    public async Task A_connection_that_was_taken_over_does_not_hold_up_a_shutdown()
    {
        var clock = new ManualClock();
        await using var runtime = new TestRuntime(clock: clock);
        await using WireClient old = await runtime.OpenAsync();
        await using WireClient next = runtime.Connect();
        await next.ResumeAsync(old.ResumeToken, 0);
        await next.CloseAsync();

        await runtime.Runtime.StopAsync().WaitAsync(WireClient.Patience, TimeProvider.System);
        runtime.Runtime.GetStatistics().Connections.Should().Be(0);
    }

    [Fact]
    public async Task Taking_over_from_a_client_that_does_not_read_loses_nothing()
    {
        await using var runtime = new TestRuntime();
        await using WireClient stuck = runtime.Connect(capacity: 2);
        await stuck.HelloAsync();
        await stuck.SendAsync("job.submit", new { agent = "count", input = new { n = 500 } });
        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics() is { Jobs: 1, RunningJobs: 0 }, "the job has ended");

        await using WireClient next = runtime.Connect();
        await next.ResumeAsync(stuck.ResumeToken, 0);
        var received = new Received();
        while (!received.HasEnded)
        {
            received.Add((await next.ReceiveAsync())!);
        }

        received.Seqs.Should().Equal(Enumerable.Range(1, 502).Select(n => (long)n));
        received.Acceptances.Should().Be(1, "the next connection brings what was not received on the first");
    }

    [Fact]
    public async Task Of_two_connections_with_one_token_exactly_one_wins()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();
        await client.RunJobAsync("echo");
        await client.DisposeAsync();
        string token = client.ResumeToken;
        for (int round = 0; round < 200; round++)
        {
            WireClient[] rivals = [runtime.Connect(), runtime.Connect(), runtime.Connect()];
            using var barrier = new Barrier(rivals.Length);
            WireFrame[] answers = await Task.WhenAll(rivals.Select(rival => Task.Factory.StartNew(
                async () =>
                {
                    barrier.SignalAndWait();
                    await rival.SendAsync("session.resume", new { resume_token = token, last_event_seq = 2 });
                    return (await rival.ReceiveAsync())!;
                },
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default).Unwrap()));

            WireFrame winner = answers.Should().ContainSingle(frame => frame.Type == "session.welcome").Subject;
            answers.Where(frame => frame != winner).Should().AllSatisfy(frame => frame.Code.Should().Be("RESUME_WINDOW_EXPIRED"));
            token = (string)winner.Payload["resume_token"]!;
            foreach (WireClient rival in rivals)
            {
                await rival.DisposeAsync();
            }
        }

        await runtime.ConnectionsEndedAsync();
        runtime.Runtime.GetStatistics().Sessions.Should().Be(1);
    }

    [Fact]
    public async Task A_resume_keeps_the_features_and_a_hello_says_them_anew()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync("secret-a", "progress", "subscribe");
        await client.DisposeAsync();
        static string[] Features(WireFrame welcome) => [.. welcome.Payload["capabilities"]!["features"]!.AsArray().Select(node => (string)node!)];

        await using WireClient bare = runtime.Connect();
        Features(await bare.ResumeAsync(client.ResumeToken, 0)).Should().BeEquivalentTo("progress", "subscribe");
        await bare.DisposeAsync();
        await using WireClient hello = runtime.Connect();
        WireFrame welcome = await hello.HelloAsync(new { auth = new { scheme = "bearer", token = "secret-a" }, resume_token = bare.ResumeToken, capabilities = new { features = new[] { "ack" } } });

        Features(welcome).Should().Equal("ack");
    }

    [Fact]
    public async Task A_connection_whose_transport_fails_in_its_own_way_leaves_its_session_resumable()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = runtime.Connect(wrap: inner => new FailingTransport(inner));
        await client.HelloAsync();
        await client.SendAsync("session.ping", new { nonce = "die" });
        while (await client.ReceiveAsync() is not null)
        {
            // until it is over
        }

        await runtime.ConnectionsEndedAsync();
        runtime.Runtime.GetStatistics().Connections.Should().Be(0);
        await using WireClient again = runtime.Connect();
        await again.ResumeAsync(client.ResumeToken, 0);
        again.SessionId.Should().Be(client.SessionId);
    }

    private static TestRuntime Gated(out TaskCompletionSource gate)
    {
        var source = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        gate = source;
        return new(builder => builder.AddAgent("gated", "1", async (job, _) =>
        {
            await source.Task;
            await job.LogAsync("open");
            return RawJson.Null;
        }));
    }

    private static async Task ExpectExpiredAsync(TestRuntime runtime, object payload, string type = "session.resume")
    {
        await using WireClient client = runtime.Connect();
        string id = await client.SendAsync(type, payload);
        await client.ExpectErrorAsync("RESUME_WINDOW_EXPIRED", id);
        await client.ExpectEndAsync();
    }

    /// <summary>What a client has of a session, over all its connections.</summary>
    private sealed class Received
    {
        public List<long> Seqs { get; } = [];

        public Dictionary<string, int> PerJob { get; } = [];

        public HashSet<string> AcceptedJobs { get; } = [];

        public int Acceptances { get; private set; }

        public int Terminals { get; private set; }

        public bool HasEnded => Terminals > 0;

        public void Add(WireFrame frame)
        {
            if (frame.EventSeq is { } seq)
            {
                Seqs.Add(seq);
                PerJob[frame.JobId!] = PerJob.GetValueOrDefault(frame.JobId!) + 1;
                Terminals += frame.IsTerminal ? 1 : 0;
            }
            else if (frame.Type == "job.accepted")
            {
                Acceptances++;
                AcceptedJobs.Add(frame.JobId!);
            }
        }
    }

    /// <summary>Breaks its contract: throws what it likes.</summary>
    private sealed class FailingTransport(ITransport inner) : WrappedTransport(inner)
    {
        public override async ValueTask<FrameReadStatus> ReadAsync(FrameBuffer frame, CancellationToken cancellationToken)
        {
            FrameReadStatus status = await base.ReadAsync(frame, cancellationToken);
            return frame.WrittenSpan.IndexOf("die"u8) < 0 ? status : throw new NotSupportedException("the transport's own exception");
        }

        public override async ValueTask DisposeAsync()
        {
            await base.DisposeAsync();
            throw new NotSupportedException("also when disposed");
        }
    }
}
