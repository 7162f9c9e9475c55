using Arcp.Runtime.Agents;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Sessions;

/// <summary>Silence in either direction is noticed, whatever the other direction does.</summary>
[Trait("Section", "6.4")]
public sealed class HeartbeatTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task An_idle_session_is_pinged_each_interval_and_lives_as_long_as_it_answers()
    {
        var clock = new ManualClock();
        await using var runtime = new TestRuntime(clock: clock);
        await using WireClient client = await runtime.OpenAsync("secret-a", "heartbeat");
        var nonces = new List<string?>();
        for (int i = 0; i < 5; i++)
        {
            clock.Advance(29 * Second);
            await client.ExpectQuietAsync();
            clock.Advance(30 * Second);
            WireFrame ping = await client.ExpectAsync("session.ping");
            ping.EventSeq.Should().BeNull();
            ((string?)ping.Payload["sent_at"]).Should().NotBeNull();
            nonces.Add((string?)ping.Payload["nonce"]);
            await client.SendAsync("session.pong", new { ping_nonce = nonces[^1] });
            await client.ExpectQuietAsync();
        }

        nonces.Should().OnlyHaveUniqueItems().And.NotContainNulls();
    }

    [Fact]
    public async Task Whoever_says_nothing_for_two_intervals_is_told_and_cut_off_and_can_resume()
    {
        var clock = new ManualClock();
        await using var runtime = new TestRuntime(clock: clock);
        await using WireClient client = await runtime.OpenAsync("secret-a", "heartbeat", "ack");
        string jobId = (await client.SubmitAsync("wait")).JobId!;
        await client.ExpectAsync("job.event");
        clock.Advance(30 * Second);
        await client.ExpectAsync("session.ping");
        clock.Advance(30 * Second);
        WireFrame error = await client.ExpectAsync("session.error");
        error.Code.Should().Be("HEARTBEAT_LOST");
        ((bool)error.Payload["retryable"]!).Should().BeTrue();
        await client.ExpectEndAsync();
        runtime.Runtime.GetStatistics().RunningJobs.Should().Be(1, "jobs run on");

        await using WireClient back = runtime.Connect();
        await back.ResumeAsync(client.ResumeToken, 1);
        await back.SendAsync("job.cancel", new { job_id = jobId });
        (await back.ExpectAsync("job.cancelled")).Payload["already_terminal"].Should().BeNull();
        (await back.ExpectAsync("job.error")).EventSeq.Should().Be(2, "pings take no number");
    }

    [Fact]
    public async Task Events_that_are_sent_do_not_hide_that_nothing_is_received()
    {
        var clock = new ManualClock();
        var agent = new GatedAgent();
        await using var runtime = new TestRuntime(builder => builder.AddAgent("gate", "1", agent.RunAsync), clock);
        await using WireClient client = await runtime.OpenAsync("secret-a", "heartbeat");
        string jobId = (await client.SubmitAsync("gate")).JobId!;
        JobContext job = await agent.BegunAsync(jobId);
        await client.ExpectAsync("job.event");
        int pings = 0;
        for (int second = 1; second < 60; second++)
        {
            clock.Advance(Second);
            await job.LogAsync("busy");
            WireFrame frame = (await client.ReceiveAsync())!;
            while (frame.Type == "session.ping")
            {
                pings++;
                second.Should().Be(30);
                frame = (await client.ReceiveAsync())!;
            }

            frame.Type.Should().Be("job.event");
        }

        pings.Should().Be(1);
        clock.Advance(Second);
        (await client.SkipToAsync("session.error")).Code.Should().Be("HEARTBEAT_LOST");
        await client.ExpectEndAsync();
    }

    [Fact]
    public async Task Frames_that_are_received_do_not_hide_that_nothing_is_sent()
    {
        var clock = new ManualClock();
        await using var runtime = new TestRuntime(clock: clock);
        await using WireClient client = await runtime.OpenAsync("secret-a", "heartbeat", "ack");
        using var received = new Meters();
        for (int round = 0; round < 3; round++)
        {
            for (int second = 1; second <= 30; second++)
            {
                long before = received["arcp.frames.received"];
                await client.SendAsync("session.pong", new { ping_nonce = "x" }); // a frame that nobody answers
                await TestRuntime.UntilAsync(() => received["arcp.frames.received"] > before, "the reading of what was sent");
                clock.Advance(Second);
            }

            await client.ExpectAsync("session.ping");
        }

        await client.ExpectQuietAsync();
    }

    [Fact]
    public async Task Without_the_feature_nobody_is_pinged_or_cut_off_but_pings_are_answered()
    {
        var clock = new ManualClock();
        await using var runtime = new TestRuntime(clock: clock);
        await using WireClient client = await runtime.OpenAsync("secret-a", "ack");
        for (int i = 0; i < 10; i++)
        {
            clock.Advance(TimeSpan.FromHours(1));
            await client.ExpectQuietAsync();
        }
    }

    [Fact]
    public async Task Two_looks_in_one_interval_do_not_ping_twice()
    {
        var clock = new ManualClock();
        await using var runtime = new TestRuntime(clock: clock);
        await using WireClient client = await runtime.OpenAsync("secret-a", "heartbeat");
        clock.Advance(15 * Second);
        await client.ExpectQuietAsync(); // received and sent at 15 s
        clock.Advance(29 * Second);
        await client.ExpectQuietAsync(); // and at 44 s
        for (int second = 45; second < 74; second++)
        {
            clock.Advance(Second);
        }

        clock.Advance(Second);
        await client.ExpectAsync("session.ping");
        await client.ExpectQuietAsync();
    }

    [Fact]
    public async Task Sessions_that_fall_silent_shortly_behind_one_another_are_pinged_together_and_lost_after_two_full_intervals()
    {
        var clock = new ManualClock();
        await using var runtime = new TestRuntime(clock: clock);
        await using WireClient first = await runtime.OpenAsync("secret-a", "heartbeat");
        TimeSpan between = 1.8 * Second;
        clock.Advance(between);
        await using WireClient second = await runtime.OpenAsync("secret-a", "heartbeat");

        clock.Advance((30 * Second) - between);
        await first.ExpectAsync("session.ping");
        await second.ExpectAsync("session.ping");

        clock.Advance(30 * Second);
        (await first.ExpectAsync("session.error")).Code.Should().Be("HEARTBEAT_LOST");
        await first.ExpectEndAsync();
        TimeSpan tick = TimeSpan.FromMilliseconds(1);
        clock.Advance(between - tick);
        clock.HasTimerIn(tick).Should().BeTrue("the second is looked at when its own two intervals are over");
        clock.Advance(tick);
        (await second.SkipToAsync("session.error")).Code.Should().Be("HEARTBEAT_LOST");
        await second.ExpectEndAsync();
    }
}
