using Arcp.Core;
using Arcp.Runtime.Agents;
using Arcp.Runtime.Configuration;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Sessions;

/// <summary>Readers that are slow or stuck: a submitter slows its own agent and nobody else, a subscriber slows nobody.</summary>
[Trait("Section", "7.6")]
public class BackPressureTests
{
    private const int LogEvents = 1_000;

    [Fact]
    public async Task A_subscriber_that_stops_reading_slows_nobody_and_ends_visibly()
    {
        const int n = 20_000;
        await using var runtime = new TestRuntime(builder => builder.Options.MaxLogEventsPerJob = LogEvents);
        await using WireClient client = await runtime.OpenAsync("secret-a", "subscribe");
        await using WireClient other = await runtime.OpenAsync("secret-a", "subscribe");
        await using WireClient stuck = runtime.Connect(capacity: 1);
        await stuck.HelloAsync("secret-a", "subscribe");
        string jobId = (await client.SubmitAsync("count", new { n })).JobId!;
        await stuck.SendAsync("job.subscribe", new { job_id = jobId });
        await stuck.ExpectAsync("job.subscribed");

        // Nobody reads for the stuck one until all others have what they want.
        Task<List<WireFrame>> running = other.RunJobAsync("count", new { n });
        List<WireFrame> frames = await client.ReadJobAsync(jobId);
        frames.Select(frame => frame.EventSeq).Should().Equal(Enumerable.Range(1, n + 2).Select(i => (long?)i));
        (await running).Should().HaveCount(n + 3);
        runtime.Runtime.GetStatistics().BufferedBytes.Should().BeLessThan(LogEvents * 800);

        List<WireFrame> seen = [];
        while (await stuck.ReceiveAsync() is { } frame)
        {
            seen.Add(frame);
        }

        seen[^1].Type.Should().Be("session.error");
        seen[^1].Code.Should().Be("INTERNAL_ERROR");
        seen[^1].Message.Should().Contain("slow consumer");
        seen.Count.Should().BeLessThan(n);
        ((string?)seen[^1].Payload["job_id"]).Should().Be(jobId, "the subscription that is over is named");
        seen.SkipLast(1).Select(frame => frame.EventSeq).Should().Equal(Enumerable.Range(1, seen.Count - 1).Select(i => (long?)i), "there is no silent gap");

        // The session goes on without the subscription that was lost.
        await using WireClient again = runtime.Connect();
        await again.ResumeAsync(stuck.ResumeToken, seen.Count - 1);
        (await again.RunJobAsync("count", new { n = 1 })).Should().HaveCount(4);
    }

    [Fact]
    public async Task A_stuck_submitter_holds_its_agent_back_and_gets_its_pong_before_the_backlog()
    {
        await using Stuck stuck = await Stuck.CreateAsync();
        await stuck.Client.SendAsync("session.ping", new { nonce = "alive" });
        await stuck.ExpectOthersGoOnAsync();
        stuck.Emitted.Should().BeLessThan(Stuck.Total, "the agent waits");
        stuck.Runtime.Runtime.GetStatistics().BufferedBytes.Should().BeLessThan(LogEvents * 800);

        long last = 0;
        long? pongBehind = null;
        WireFrame frame;
        do
        {
            frame = (await stuck.Client.ReceiveAsync())!;
            if (frame.Type == "session.pong")
            {
                pongBehind = last;
                continue;
            }

            frame.EventSeq.Should().Be(++last);
        }
        while (!frame.IsTerminal);
        last.Should().Be(Stuck.Total + 2, "nothing is missing");
        pongBehind.Should().BeLessThan(LogEvents, "the pong waits for no more than what was on its way");
    }

    [Fact]
    public async Task A_stuck_submitters_cancel_takes_effect_at_once()
    {
        await using Stuck stuck = await Stuck.CreateAsync();
        await stuck.Client.SendAsync("job.cancel", new { job_id = stuck.JobId });
        await TestRuntime.UntilAsync(() => stuck.Runtime.Runtime.GetStatistics() is { RunningJobs: 0, RunningAgents: 0 }, "the end of job and agent");
        int emitted = stuck.Emitted;

        long last = 0;
        bool wasAnswered = false;
        WireFrame frame;
        do
        {
            frame = (await stuck.Client.ReceiveAsync())!;
            if (frame.Type == "job.cancelled")
            {
                wasAnswered = true;
                last.Should().BeLessThan(LogEvents);
                continue;
            }

            frame.EventSeq.Should().Be(++last);
        }
        while (!frame.IsTerminal);
        wasAnswered.Should().BeTrue("job.cancelled comes before its job.error");
        frame.FinalStatus.Should().Be("cancelled");
        last.Should().Be(emitted + 2);
    }

    [Fact]
    public async Task A_stuck_submitter_that_says_nothing_either_loses_its_connection_and_its_agent_goes_on()
    {
        await using Stuck stuck = await Stuck.CreateAsync(options => options.MaxStall = TimeSpan.FromHours(1));
        for (int i = 0; i < 3; i++)
        {
            stuck.Clock.Advance(TimeSpan.FromSeconds(30));
        }

        await stuck.ExpectConnectionEndsAsync();
        await TestRuntime.UntilAsync(() => stuck.Runtime.Runtime.GetStatistics() is { RunningJobs: 0 }, "the end of the job");
        stuck.Emitted.Should().Be(Stuck.Total, "a submitter that is away stops no job");
        stuck.Runtime.Logs.Lines.Should().Contain(line => line.Contains("two heartbeat intervals"));
    }

    [Fact]
    public async Task A_stuck_submitter_is_cut_off_after_the_longest_stall_and_its_agent_goes_on()
    {
        await using Stuck stuck = await Stuck.CreateAsync(options => options.HeartbeatInterval = TimeSpan.FromHours(1));
        await stuck.ExpectOthersGoOnAsync();
        stuck.Clock.Advance(TimeSpan.FromSeconds(29));
        stuck.Emitted.Should().BeLessThan(Stuck.Total);
        stuck.Runtime.Runtime.GetStatistics().Connections.Should().Be(2);

        stuck.Clock.Advance(TimeSpan.FromSeconds(1));
        await TestRuntime.UntilAsync(() => stuck.Runtime.Runtime.GetStatistics() is { RunningJobs: 0 }, "the end of the job");
        await stuck.ExpectConnectionEndsAsync();
        stuck.Emitted.Should().Be(Stuck.Total);

        // The log let go of the oldest: that is told, and not hidden in a gap.
        await using WireClient back = stuck.Runtime.Connect();
        await back.SendAsync("session.resume", new { resume_token = stuck.Client.ResumeToken, last_event_seq = 1 });
        (await back.ExpectAsync("session.error")).Code.Should().Be("RESUME_WINDOW_EXPIRED");
    }

    [Fact]
    public async Task A_stuck_submitter_that_resumes_misses_nothing_that_is_held()
    {
        await using var runtime = new TestRuntime();
        WireClient client = runtime.Connect(capacity: 1);
        await client.HelloAsync("secret-a", "ack");
        const int n = 8_000;
        string jobId = (await client.SubmitAsync("count", new { n })).JobId!;
        long last = 0;
        while (last < 100)
        {
            last = (await client.ReceiveAsync())!.EventSeq!.Value;
        }

        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().RunningJobs == 0, "the end of the job");
        await using WireClient back = runtime.Connect();
        await back.ResumeAsync(client.ResumeToken, last); // the old connection is still there, and stuck
        List<WireFrame> rest = await back.ReadJobAsync(jobId);
        rest.Count(frame => frame.Kind != "status").Should().Be(n + 2 - (int)last, "a warning of back-pressure apart");
        rest.Select(frame => frame.EventSeq).Should().Equal(Enumerable.Range((int)last + 1, rest.Count).Select(i => (long?)i));
        await client.DisposeAsync();
    }

    [Fact]
    public async Task A_submitter_that_goes_away_lets_its_agent_go_on()
    {
        await using Stuck stuck = await Stuck.CreateAsync();
        await stuck.Client.DisposeAsync();
        await TestRuntime.UntilAsync(() => stuck.Runtime.Runtime.GetStatistics() is { RunningJobs: 0 }, "the end of the job");
        stuck.Emitted.Should().Be(Stuck.Total);
    }

    [Fact]
    public async Task A_peer_that_asks_and_never_reads_is_cut_off()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = runtime.Connect(capacity: 1);
        await client.HelloAsync();
        Func<Task> flood = async () =>
        {
            for (int i = 0; i < 30_000; i++)
            {
                await client.SendAsync("session.ping");
            }
        };
        await flood.Should().ThrowAsync<Arcp.Core.Transports.TransportException>();
        await runtime.ConnectionsEndedAsync();
    }

    /// <summary>A runtime whose one submitter has stopped reading, so that its agent waits.</summary>
    private sealed class Stuck : IAsyncDisposable
    {
        public const int Total = 5_000;

        private readonly TaskCompletionSource _isHeldBack = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private WireClient? _other;
        private int _emitted;

        private Stuck(Action<ArcpRuntimeOptions>? configure)
        {
            Runtime = new TestRuntime(
                builder =>
                {
                    builder.AddAgent("flood", "1", FloodAsync);
                    builder.Options.MaxLogEventsPerJob = LogEvents;
                    configure?.Invoke(builder.Options);
                },
                Clock);
            Client = Runtime.Connect(capacity: 1);
        }

        public ManualClock Clock { get; } = new();

        public TestRuntime Runtime { get; }

        public WireClient Client { get; }

        public string JobId { get; private set; } = string.Empty;

        public int Emitted => Volatile.Read(ref _emitted);

        public static async Task<Stuck> CreateAsync(Action<ArcpRuntimeOptions>? configure = null)
        {
            var stuck = new Stuck(configure);
            await stuck.Client.HelloAsync("secret-a", "heartbeat");
            stuck._other = await stuck.Runtime.OpenAsync();
            stuck.JobId = (await stuck.Client.SubmitAsync("flood")).JobId!;
            await stuck._isHeldBack.Task.WaitAsync(WireClient.Patience, TimeProvider.System);
            return stuck;
        }

        public async Task ExpectOthersGoOnAsync() =>
            (await _other!.RunJobAsync("count", new { n = 3_000 }))[^1].FinalStatus.Should().Be("success");

        public async Task ExpectConnectionEndsAsync()
        {
            await TestRuntime.UntilAsync(
                () =>
                {
                    Clock.Advance(TimeSpan.FromMilliseconds(250)); // the patience with the last frame
                    return Runtime.Runtime.GetStatistics().Connections == 1;
                },
                "the end of the connection");
        }

        public async ValueTask DisposeAsync()
        {
            await Client.DisposeAsync();
            await _other!.DisposeAsync();
            await Runtime.DisposeAsync();
        }

        private async Task<RawJson?> FloodAsync(JobContext job, CancellationToken cancellationToken)
        {
            for (int i = 1; i <= Total; i++)
            {
                ValueTask emitting = job.LogAsync($"tick {i}");
                if (!emitting.IsCompleted)
                {
                    _isHeldBack.TrySetResult();
                }

                await emitting;
                Volatile.Write(ref _emitted, i);
            }

            return job.Input;
        }
    }
}
