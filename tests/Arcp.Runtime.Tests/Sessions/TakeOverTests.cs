using Arcp.Runtime.Agents;
using Arcp.Runtime.Tests.Support;
using Xunit.Abstractions;

namespace Arcp.Runtime.Tests.Sessions;

/// <summary>A session that changes its connection: by a crash, in order, under a live connection, in competition.</summary>
[Trait("Section", "6.3")]
public class TakeOverTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("reset")]
    [InlineData("close")]
    [InlineData("session.close")]
    [InlineData("alive")]
    public async Task Own_jobs_subscriptions_and_the_authority_to_cancel_survive(string end)
    {
        var agent = new GatedAgent();
        await using var runtime = new TestRuntime(builder => builder.AddAgent("gate", "1", agent.RunAsync));
        await using WireClient other = await runtime.OpenAsync();
        await using WireClient client = await runtime.OpenAsync("secret-a", "subscribe");
        string watched = (await other.SubmitAsync("gate")).JobId!;
        string finished = (await client.SubmitAsync("gate")).JobId!;
        await client.ExpectAsync("job.event");
        string running = (await client.SubmitAsync("gate")).JobId!;
        JobContext watchedJob = await agent.BegunAsync(watched);
        await agent.BegunAsync(finished);
        JobContext runningJob = await agent.BegunAsync(running);
        await client.SendAsync("job.subscribe", new { job_id = watched });
        await client.SkipToAsync("job.subscribed");
        await runningJob.LogAsync("before");
        WireFrame last;
        do
        {
            last = (await client.ReceiveAsync())!;
        }
        while (last.Kind != "log");
        long seq = last.EventSeq!.Value;
        seq.Should().Be(3);

        switch (end)
        {
            case "reset":
                await client.DisposeAsync();
                break;
            case "close":
                await client.CloseAsync();
                break;
            case "session.close":
                await client.SendAsync("session.close", new { reason = "later" });
                await client.SkipToAsync("session.closed");
                await client.CloseAsync();
                break;
        }

        if (end != "alive")
        {
            await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().Connections == 1, "the end of the connection");
        }

        agent.Open(finished);
        await watchedJob.LogAsync("away");
        await agent.OverAsync(finished);
        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().RunningJobs == 2, "the end of a job");
        await using WireClient back = runtime.Connect();
        WireFrame welcome = await back.ResumeAsync(client.ResumeToken, seq);
        welcome.SessionId.Should().Be(client.SessionId);
        ((string?)welcome.Payload["resume_token"]).Should().NotBe(client.ResumeToken);
        welcome.Payload["capabilities"]!["features"]!.AsArray().Select(feature => (string)feature!).Should().Equal("subscribe");

        WireFrame[] missed = [(await back.ReceiveAsync())!, (await back.ReceiveAsync())!];
        missed.Select(frame => frame.EventSeq).Should().Equal(4, 5);
        missed.Should().ContainSingle(frame => frame.JobId == finished && frame.FinalStatus == "success");
        missed.Should().ContainSingle(frame => frame.JobId == watched && frame.Kind == "log");
        await runningJob.LogAsync("after");
        (await back.ExpectAsync("job.event")).EventSeq.Should().Be(6);
        string refused = await back.SendAsync("job.cancel", new { job_id = watched });
        await back.ExpectRefusalAsync(refused, "PERMISSION_DENIED");
        await back.SendAsync("job.cancel", new { job_id = running });
        await back.ExpectAsync("job.cancelled");
        (await back.ExpectAsync("job.error")).EventSeq.Should().Be(7);
        agent.Open(watched);
        (await back.ExpectAsync("job.result")).EventSeq.Should().Be(8);
        await back.ExpectQuietAsync();
        if (end == "alive")
        {
            while (await client.ReceiveAsync() is { } frame)
            {
                frame.Type.Should().BeOneOf(["session.closed", "job.event", "job.result"], "the old connection is told, and hears nothing after that");
            }
        }
    }

    [Fact]
    public async Task A_token_is_good_once_and_only_for_its_principal_and_a_failed_attempt_costs_nothing()
    {
        await using var runtime = new TestRuntime();
        WireClient client = await runtime.OpenAsync();
        List<WireFrame> frames = await client.RunJobAsync("count", new { n = 3 });
        await client.DisposeAsync();
        string token = client.ResumeToken;
        object[] wrong =
        [
            new { auth = new { scheme = "bearer", token = "secret-b" }, resume_token = token, last_event_seq = 0 },
            new { auth = new { scheme = "bearer", token = "secret-b" }, resume = new { token, last_event_seq = 0 } },
            new { auth = new { scheme = "bearer", token = "secret-a" }, resume_token = token, last_event_seq = 6 },
            new { auth = new { scheme = "bearer", token = "secret-a" }, resume_token = token + "x" },
        ];
        foreach (object payload in wrong)
        {
            await using WireClient thief = runtime.Connect();
            await thief.SendAsync("session.hello", payload);
            (await thief.ExpectAsync("session.error")).Code.Should().Be("RESUME_WINDOW_EXPIRED");
        }

        await using (WireClient thief = runtime.Connect())
        {
            await thief.SendAsync("session.resume", wrong[0]);
            (await thief.ExpectAsync("session.error")).Code.Should().Be("RESUME_WINDOW_EXPIRED", "with auth, both must match");
        }

        await using WireClient back = runtime.Connect();
        await back.HelloAsync(new { auth = new { scheme = "bearer", token = "secret-a" }, resume = new { session_id = client.SessionId, resume_token = token, last_event_seq = 2 } });
        back.SessionId.Should().Be(client.SessionId);
        (await back.ReadJobAsync(frames[0].JobId!)).Select(frame => frame.Text).Should().Equal(frames.Skip(3).Select(frame => frame.Text));
        await using WireClient again = runtime.Connect();
        await again.SendAsync("session.resume", new { resume_token = token, last_event_seq = 2 });
        (await again.ExpectAsync("session.error")).Code.Should().Be("RESUME_WINDOW_EXPIRED");
        await back.ExpectQuietAsync();
    }

    [Fact]
    public async Task Of_two_that_resume_at_once_exactly_one_wins()
    {
        const int iterations = 2_000;
        long start = TimeProvider.System.GetTimestamp();
        await using var runtime = new TestRuntime();
        WireClient client = await runtime.OpenAsync("secret-a", "ack");
        string jobId = (await client.SubmitAsync("wait")).JobId!;
        await client.ExpectAsync("job.event");
        string token = client.ResumeToken;
        using var race = new Race(2);
        int[] wins = [0, 0];
        for (int i = 0; i < iterations; i++)
        {
            if (i % 2 == 0)
            {
                await client.DisposeAsync(); // else the old connection is alive
            }

            WireClient[] rivals = [runtime.Connect(), runtime.Connect()];
            race.Round(runner => rivals[runner].SendAsync("session.resume", new { resume_token = token, last_event_seq = 0 }).GetAwaiter().GetResult());
            WireFrame?[] answers = [await rivals[0].ReceiveAsync(), await rivals[1].ReceiveAsync()];
            int winner = Array.FindIndex(answers, answer => answer!.Type == "session.welcome");
            winner.Should().BeGreaterThanOrEqualTo(0, "one wins");
            answers[1 - winner]!.Code.Should().Be("RESUME_WINDOW_EXPIRED");
            (await rivals[winner].SkipToAsync("job.event")).EventSeq.Should().Be(1);
            wins[winner]++;
            token = (string)answers[winner]!.Payload["resume_token"]!;
            await client.DisposeAsync();
            await rivals[1 - winner].DisposeAsync();
            client = rivals[winner];
        }

        output.WriteLine($"{iterations} iterations in {TimeProvider.System.GetElapsedTime(start).TotalSeconds:F1} s, won {wins[0]} to {wins[1]}");
        wins.Should().NotContain(0);
        await client.SendAsync("job.cancel", new { job_id = jobId });
        await client.ExpectAsync("job.cancelled");
        runtime.Runtime.GetStatistics().Sessions.Should().Be(1);
        await client.DisposeAsync();
    }

    [Fact]
    public async Task A_backlog_of_fifty_thousand_events_arrives_whole()
    {
        const int n = 50_000;
        await using var runtime = new TestRuntime();
        WireClient client = await runtime.OpenAsync("secret-a", "progress");
        string jobId = (await client.SubmitAsync("count", new { n })).JobId!;
        await client.DisposeAsync();
        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().RunningJobs == 0, "the end of the job");
        long seq = 0;
        string token = client.ResumeToken;
        for (int stop = 2_000; ; stop += 24_000)
        {
            // Dropped twice in the middle.
            await using WireClient back = runtime.Connect();
            await back.SendAsync("session.resume", new { resume_token = token, last_event_seq = seq });
            token = (string)(await back.ExpectAsync("session.welcome")).Payload["resume_token"]!;
            while (seq < stop && seq < n + 2)
            {
                WireFrame frame = (await back.ReceiveAsync())!;
                if (frame.Type == "job.accepted")
                {
                    continue; // the first connection did not live to carry it
                }

                frame.EventSeq.Should().Be(++seq);
                frame.IsTerminal.Should().Be(seq == n + 2);
            }

            if (seq == n + 2)
            {
                await back.ExpectQuietAsync();
                break;
            }
        }
    }

    [Fact]
    public async Task A_session_that_never_disconnects_outlives_any_window_and_one_that_does_expires_with_all_it_holds()
    {
        var clock = new ManualClock();
        await using var runtime = new TestRuntime(clock: clock);
        WireClient client = await runtime.OpenAsync();
        WireClient other = await runtime.OpenAsync();
        string jobId = (await client.SubmitAsync("wait")).JobId!;
        await other.SendAsync("job.subscribe", new { job_id = jobId });
        await other.ExpectAsync("job.subscribed");
        clock.Advance(TimeSpan.FromDays(3));
        await client.ExpectAsync("job.event");
        await client.ExpectQuietAsync();

        foreach (WireClient gone in new[] { client, other })
        {
            await gone.DisposeAsync();
        }

        await runtime.ConnectionsEndedAsync();
        clock.Advance(TimeSpan.FromSeconds(599));
        runtime.Runtime.GetStatistics().Sessions.Should().Be(2);
        clock.Advance(TimeSpan.FromSeconds(1));
        runtime.Runtime.GetStatistics().Should().Match<ArcpRuntimeStatistics>(now => now.Sessions == 0 && now.RunningJobs == 1, "jobs run on");
        await using WireClient late = runtime.Connect();
        await late.SendAsync("session.resume", new { resume_token = client.ResumeToken, last_event_seq = 1 });
        (await late.ExpectAsync("session.error")).Code.Should().Be("RESUME_WINDOW_EXPIRED");
        await using WireClient watcher = await runtime.OpenAsync();
        await watcher.SendAsync("job.subscribe", new { job_id = jobId });
        await watcher.ExpectAsync("job.subscribed");
    }
}
