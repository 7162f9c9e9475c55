using System.Text.Json;
using Arcp.Client.Connections;
using static Arcp.Client.Tests.ReconnectTests;

namespace Arcp.Client.Tests;

/// <summary>Acknowledgements and heartbeats.</summary>
public sealed class LivenessTests
{
    private static readonly TimeSpan JustUnder = TimeSpan.FromMilliseconds(199);

    [Fact]
    [Trait("§", "6.5")]
    public async Task Acknowledgements_come_after_256_events_or_200_ms_and_never_beyond_what_is_contiguous()
    {
        var clock = new ManualClock();
        var network = new ScriptedNetwork();
        (ArcpClient client, ScriptedPeer peer) = await network.ConnectAsync(ScriptedNetwork.Options(clock));
        JobHandle job = await peer.SubmitAsync(client, "job_1");
        for (int seq = 1; seq <= 256; seq++)
        {
            await LogAsync(peer, "job_1", seq);
        }

        (await AckAsync(peer)).Should().Be(256);
        await LogAsync(peer, "job_1", 257);
        await LogAsync(peer, "job_1", 258);
        await LogAsync(peer, "job_1", 257);
        await job.Events.Take(258).ToListAsync().AsTask().Soon();
        await NothingIsSentAsync(peer);
        clock.Advance(JustUnder);
        await NothingIsSentAsync(peer);
        clock.Advance(TimeSpan.FromMilliseconds(1));
        (await AckAsync(peer)).Should().Be(258);
        clock.Advance(TimeSpan.FromSeconds(1));
        await NothingIsSentAsync(peer);

        // The gap: what stands behind it is not processed.
        await LogAsync(peer, "job_1", 259);
        await LogAsync(peer, "job_1", 261);
        peer = await network.WelcomeAsync("sess_1", "t2", clock: clock);
        clock.Advance(TimeSpan.FromMilliseconds(200));
        (await AckAsync(peer)).Should().Be(259, "a lost connection may not have carried the acknowledgement");

        await LogAsync(peer, "job_1", 260);
        await job.Events.Take(260).ToListAsync().AsTask().Soon();
        Task closing = client.CloseAsync();
        (await AckAsync(peer)).Should().Be(260, "it is flushed on close");
        await peer.ReceiveAsync("session.close");
        await peer.CloseAsync();
        await closing.Soon();
    }

    [Theory]
    [Trait("§", "12")]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_refused_acknowledgement_fails_nothing(bool isNamed)
    {
        var clock = new ManualClock();
        var network = new ScriptedNetwork();
        (ArcpClient client, ScriptedPeer peer) = await network.ConnectAsync(ScriptedNetwork.Options(clock));
        JobHandle job = await peer.SubmitAsync(client, "job_1");
        await LogAsync(peer, "job_1", 1);
        await job.Events.Take(1).ToListAsync().AsTask().Soon();
        clock.Advance(TimeSpan.FromMilliseconds(200));
        string? id = (await peer.ReceiveAsync("session.ack")).TryGetProperty("id", out JsonElement given) ? given.GetString() : null;

        string named = isNamed ? $$""","request_id":"{{id}}"}""" : "}";
        await peer.SendAsync($$"""{"type":"session.error","payload":{"code":"INVALID_REQUEST","message":"no acks here","retryable":false{{named}}}""");
        await LogAsync(peer, "job_1", 2);

        await job.Events.Take(2).ToListAsync().AsTask().Soon();
        job.Status.IsTerminal.Should().BeFalse();
        client.State.Status.Should().Be(ConnectionStatus.Connected);
        clock.Advance(TimeSpan.FromMilliseconds(200));
        (await AckAsync(peer)).Should().Be(2);
    }

    [Fact]
    [Trait("§", "6.5")]
    public async Task Without_the_feature_nothing_is_acknowledged()
    {
        var clock = new ManualClock();
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync(new() { TimeProvider = clock }, """{"type":"session.welcome","session_id":"sess_1","payload":{}}""");
        JobHandle job = await peer.SubmitAsync(client, "job_1");
        for (int seq = 1; seq <= 300; seq++)
        {
            await LogAsync(peer, "job_1", seq);
        }

        await job.Events.Take(300).ToListAsync().AsTask().Soon();
        clock.Advance(TimeSpan.FromSeconds(1));
        await NothingIsSentAsync(peer);
        await EndAsync(client, peer);
    }

    [Theory]
    [InlineData("heartbeat", true)]
    [InlineData("ack", false)]
    [Trait("§", "6.4")]
    public async Task An_idle_client_pings_and_silence_for_two_intervals_is_a_lost_connection_if_heartbeat_is_negotiated(string feature, bool isNegotiated)
    {
        var clock = new ManualClock();
        var network = new ScriptedNetwork();
        string welcome = $$"""{"type":"session.welcome","session_id":"sess_1","payload":{"resume_token":"t1","heartbeat_interval_sec":10,"capabilities":{"features":["{{feature}}"]} } }""";
        (ArcpClient client, ScriptedPeer peer) = await network.ConnectAsync(ScriptedNetwork.Options(clock), welcome);
        clock.Advance(TimeSpan.FromSeconds(9.9));
        await NothingIsSentAsync(peer);
        if (!isNegotiated)
        {
            clock.Advance(TimeSpan.FromSeconds(50));
            await NothingIsSentAsync(peer);
            await EndAsync(client, peer);
            return;
        }

        // The pong of that check was sent at 9.9 and its ping received then.
        clock.Advance(TimeSpan.FromSeconds(10));
        JsonElement ping = await peer.ReceiveAsync("session.ping");
        await peer.SendAsync("session.pong", "\"id\":\"p\"", $$"""{"ping_nonce":"{{ping.Payload().GetProperty("nonce").GetString()}}"}""");
        await NothingIsSentAsync(peer);
        clock.Advance(TimeSpan.FromSeconds(10));
        await peer.ReceiveAsync("session.ping");
        clock.Advance(TimeSpan.FromSeconds(10));
        peer = await network.WelcomeAsync("sess_1", "t2", clock: clock);
        await Bounded.UntilAsync(() => client.State.Status is ConnectionStatus.Connected);
        await EndAsync(client, peer);
    }

    [Fact]
    [Trait("§", "6.4")]
    public void Busy_traffic_out_does_not_hide_silence_in()
    {
        var clock = new ManualClock();
        int pings = 0;
        bool isLost = false;
        using var watch = new SilenceWatch(clock, TimeSpan.FromSeconds(10), () => pings++, () => isLost = true);
        for (int second = 1; second < 20; second++)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            watch.OnSent();
        }

        pings.Should().Be(1);
        isLost.Should().BeFalse();
        clock.Advance(TimeSpan.FromSeconds(1));
        isLost.Should().BeTrue();
    }

    [Fact]
    [Trait("§", "6.4")]
    public void Busy_traffic_in_does_not_hide_silence_out()
    {
        var clock = new ManualClock();
        int pings = 0;
        using var watch = new SilenceWatch(clock, TimeSpan.FromSeconds(10), () => pings++, () => throw new InvalidOperationException("lost"));
        for (int second = 1; second <= 60; second++)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            watch.OnReceived();
        }

        pings.Should().BeInRange(5, 6);
    }

    [Fact]
    [Trait("§", "6.4")]
    public void A_watch_whose_first_interval_is_over_before_it_is_set_up_looks_all_the_same()
    {
        var clock = new HurriedClock();
        int pings = 0;
        using var watch = new SilenceWatch(clock, TimeSpan.FromSeconds(10), () => pings++, () => throw new InvalidOperationException("lost"));
        pings.Should().Be(1);
    }

    [Fact]
    public void Back_off_doubles_to_its_ceiling_and_is_random_below_it()
    {
        var backoff = new Backoff(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(5), () => 1);
        Enumerable.Range(0, 5).Select(_ => backoff.Next().TotalSeconds).Should().Equal(1, 2, 4, 5, 5);
        backoff.Reset();
        backoff.Next().Should().Be(TimeSpan.FromSeconds(1));
        new Backoff(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(5), () => 0.25).Next().Should().Be(TimeSpan.FromSeconds(0.25));
        for (int i = 0; i < 5000; i++)
        {
            backoff.Next().Should().BeLessThanOrEqualTo(TimeSpan.FromSeconds(5));
        }
    }

    private static async Task<long> AckAsync(ScriptedPeer peer) =>
        (await peer.ReceiveAsync("session.ack")).Payload().GetProperty("last_processed_seq").GetInt64();

    // A ping is answered before anything that waits to be sent; a second one comes behind what the first one has let out.
    private static async Task NothingIsSentAsync(ScriptedPeer peer)
    {
        for (int i = 0; i < 2; i++)
        {
            await peer.SendAsync("session.ping", "\"id\":\"p\"", """{"nonce":"x"}""");
            (await peer.ReceiveAsync()).Type().Should().Be("session.pong", "not even an acknowledgement is sent");
        }
    }

    // The first timer that is set fires before the call that sets it returns, as for a thread that does not get its turn.
    private sealed class HurriedClock : TimeProvider, ITimer
    {
        private TimerCallback? _callback;
        private object? _state;
        private long _now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            (_callback, _state) = (callback, state);
            Change(dueTime, period);
            return this;
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime != Timeout.InfiniteTimeSpan && _now == 0)
            {
                _now = dueTime.Ticks;
                _callback!(_state);
            }

            return true;
        }

        public void Dispose() => _callback = null;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
