using Arcp.Core;
using Arcp.Runtime.Agents;
using Arcp.Runtime.Authentication;
using Arcp.Runtime.Jobs;
using Arcp.Runtime.Tests.Support;
using Xunit.Abstractions;

namespace Arcp.Runtime.Tests.Sessions;

/// <summary>Whoever may watch a job sees each of its events once, in order, from where he wants, to its end.</summary>
[Trait("Section", "7.6")]
public class SubscriptionTests(ITestOutputHelper output)
{
    private const int Ticks = 40;

    [Fact]
    public async Task Sixteen_sessions_subscribe_at_two_hundred_random_moments_of_a_burst()
    {
        const int watchers = 16;
        const int rounds = 200;
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        output.WriteLine($"seed {seed}");
        long start = TimeProvider.System.GetTimestamp();
        var agent = new GatedAgent();
        await using var runtime = new TestRuntime(builder => builder.AddAgent("gate", "1", agent.RunAsync));
        await using WireClient client = await runtime.OpenAsync("secret-a", "subscribe");
        List<Watcher> all = [];
        for (int i = 0; i < watchers; i++)
        {
            all.Add(new Watcher(await runtime.OpenAsync("secret-a", "subscribe")));
        }

        var starts = new HashSet<long>();
        for (int round = 0; round < rounds; round++)
        {
            string jobId = (await client.SubmitAsync("gate")).JobId!;
            await agent.BegunAsync(jobId);
            int pause = random.Next(3_000);
            Task[] watching = [.. all.Select(watcher =>
            {
                int delay = random.Next(60_000);
                long? from = random.Next(3) switch { 0 => null, 1 => 0, _ => random.Next(Ticks + 10) };
                return Task.Run(async () =>
                {
                    Thread.SpinWait(delay);
                    long subscribedFrom = await watcher.WatchAsync(jobId, from);
                    lock (starts)
                    {
                        starts.Add(subscribedFrom);
                    }
                });
            })];
            agent.Open(jobId, job => TickAsync(job, pause));
            await Task.WhenAll(watching);
            (await client.ReadJobAsync(jobId)).Should().HaveCount(Ticks + 2);
        }

        starts.Count.Should().BeGreaterThan(10, "the moments must be in the middle too");
        output.WriteLine($"{rounds} rounds, {starts.Count} different moments, {TimeProvider.System.GetElapsedTime(start).TotalSeconds:F1} s");
        foreach (Watcher watcher in all)
        {
            await watcher.Client.ExpectQuietAsync();
            await watcher.Client.DisposeAsync();
        }
    }

    [Theory]
    [InlineData("""{}""", 5, 0)]
    [InlineData("""{"history":false}""", 5, 0)]
    [InlineData("""{"history":true}""", 5, 5)]
    [InlineData("""{"from_event_seq":0}""", 5, 5)]
    [InlineData("""{"from_event_seq":0,"history":false}""", 5, 0)]
    [InlineData("""{"from_event_seq":1}""", 5, 4)]
    [InlineData("""{"from_event_seq":4}""", 5, 1)]
    [InlineData("""{"from_event_seq":5}""", 5, 0)]
    [InlineData("""{"from_event_seq":6}""", 5, 0)]
    [InlineData("""{"from_event_seq":9223372036854775807}""", 5, 0)]
    public async Task History_is_what_is_above_from_event_seq_and_live_events_follow(string request, int length, int history)
    {
        var agent = new GatedAgent();
        await using var runtime = new TestRuntime(builder => builder.AddAgent("gate", "1", agent.RunAsync));
        await using WireClient client = await runtime.OpenAsync();
        await using WireClient watcher = await runtime.OpenAsync();
        string jobId = (await client.SubmitAsync("gate")).JobId!;
        JobContext job = await agent.BegunAsync(jobId);
        for (int i = 1; i < length; i++)
        {
            await job.LogAsync($"tick {i}");
        }

        await watcher.SendRawAsync($$"""{"id":"s","type":"job.subscribe","job_id":"{{jobId}}","payload":{{request}}}""");
        WireFrame subscribed = await watcher.ExpectAsync("job.subscribed");
        ((long)subscribed.Payload["subscribed_from"]!).Should().Be(length);
        ((bool)subscribed.Payload["replayed"]!).Should().Be(history > 0);
        ((string?)subscribed.Json["request_id"]).Should().Be("s");
        ((string?)subscribed.Payload["current_status"]).Should().Be("running");
        subscribed.Payload.ContainsKey("parent_job_id").Should().BeTrue("it is listed even when it is null");
        subscribed.Payload.ContainsKey("credentials").Should().BeFalse();
        subscribed.EventSeq.Should().BeNull();
        for (int i = 0; i < history; i++)
        {
            WireFrame old = await watcher.ExpectAsync("job.event");
            old.EventSeq.Should().Be(i + 1);
            NumberOf(old).Should().Be(length - history + i + 1);
        }

        await watcher.ExpectQuietAsync();
        await job.LogAsync($"tick {length}");
        NumberOf(await watcher.ExpectAsync("job.event")).Should().Be(length + 1);
        agent.Open(jobId);
        (await watcher.ExpectAsync("job.result")).EventSeq.Should().Be(history + 2);
        await watcher.ExpectQuietAsync();
    }

    [Theory]
    [InlineData("""{}""", 0)]
    [InlineData("""{"history":true}""", 3)]
    [InlineData("""{"from_event_seq":2}""", 1)]
    [InlineData("""{"from_event_seq":3}""", 0)]
    [InlineData("""{"from_event_seq":4}""", 0)]
    [InlineData("""{"from_event_seq":99}""", 0)]
    public async Task A_finished_job_gives_its_history_if_asked_and_its_terminal_frame(string request, int history)
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();
        await using WireClient watcher = await runtime.OpenAsync();
        List<WireFrame> frames = await client.RunJobAsync("count", new { n = 2 });

        for (int i = 0; i < 2; i++)
        {
            await watcher.SendRawAsync($$"""{"id":"s","type":"job.subscribe","job_id":"{{frames[0].JobId}}","payload":{{request}}}""");
            WireFrame subscribed = await watcher.ExpectAsync("job.subscribed");
            ((string?)subscribed.Payload["current_status"]).Should().Be("success");
            ((long)subscribed.Payload["subscribed_from"]!).Should().Be(4);
            List<WireFrame> seen = await watcher.ReadJobAsync(frames[0].JobId!);
            seen.Should().HaveCount(history + 1);
            seen.Select(frame => PayloadOf(frame)).Should().Equal(frames.TakeLast(history + 1).Select(PayloadOf), "the bytes are those of the submitter's frames");
            await watcher.ExpectQuietAsync();
        }
    }

    [Fact]
    public async Task Subscribing_twice_or_to_ones_own_job_repeats_nothing()
    {
        var agent = new GatedAgent();
        await using var runtime = new TestRuntime(builder => builder.AddAgent("gate", "1", agent.RunAsync));
        await using WireClient client = await runtime.OpenAsync();
        await using WireClient watcher = await runtime.OpenAsync();
        string jobId = (await client.SubmitAsync("gate")).JobId!;
        await agent.BegunAsync(jobId);
        await client.ExpectAsync("job.event");
        await watcher.SendAsync("job.subscribe", new { job_id = jobId, history = true });
        await watcher.ExpectAsync("job.subscribed");
        await watcher.ExpectAsync("job.event");

        foreach (WireClient peer in new[] { client, watcher })
        {
            for (int i = 0; i < 2; i++)
            {
                await peer.SendAsync("job.subscribe", new { job_id = jobId, history = true });
                WireFrame again = await peer.ExpectAsync("job.subscribed");
                ((bool)again.Payload["replayed"]!).Should().BeFalse();
                ((long)again.Payload["subscribed_from"]!).Should().Be(1);
                await peer.ExpectQuietAsync();
            }
        }

        // The submitter's own stream is no subscription: an unsubscribe does not end it.
        await client.SendAsync("job.unsubscribe", new { job_id = jobId });
        agent.Open(jobId);
        foreach (WireClient peer in new[] { client, watcher })
        {
            (await peer.ExpectAsync("job.result")).EventSeq.Should().Be(2);
            await peer.ExpectQuietAsync();
        }
    }

    [Fact]
    public async Task Unsubscribing_is_harmless_and_ends_the_stream()
    {
        var agent = new GatedAgent();
        await using var runtime = new TestRuntime(builder => builder.AddAgent("gate", "1", agent.RunAsync));
        await using WireClient client = await runtime.OpenAsync();
        await using WireClient watcher = await runtime.OpenAsync();
        string jobId = (await client.SubmitAsync("gate")).JobId!;
        JobContext job = await agent.BegunAsync(jobId);
        foreach (object payload in new object[] { new { job_id = "job_unknown" }, new { }, new { job_id = jobId } })
        {
            await watcher.SendAsync("job.unsubscribe", payload);
            await watcher.ExpectQuietAsync();
        }

        await watcher.SendAsync("job.subscribe", new { job_id = jobId });
        await watcher.ExpectAsync("job.subscribed");
        await watcher.SendAsync("job.unsubscribe", new { job_id = jobId });
        await watcher.ExpectQuietAsync();
        await job.LogAsync("tick 1");
        agent.Open(jobId);
        await client.ReadJobAsync(jobId);
        await watcher.ExpectQuietAsync();
    }

    [Fact]
    public async Task Whoever_unsubscribes_and_subscribes_again_in_a_burst_gets_the_rest_once()
    {
        const int rounds = 300;
        var agent = new GatedAgent();
        await using var runtime = new TestRuntime(builder => builder.AddAgent("gate", "1", agent.RunAsync));
        await using WireClient client = await runtime.OpenAsync("secret-a", "subscribe");
        await using WireClient watcher = await runtime.OpenAsync("secret-a", "subscribe");
        for (int round = 0; round < rounds; round++)
        {
            string jobId = (await client.SubmitAsync("gate")).JobId!;
            await agent.BegunAsync(jobId); // the status stands in the log
            agent.Open(jobId, job => TickAsync(job, round * 10));
            for (int i = 0; i < 3; i++)
            {
                await watcher.SendAsync("job.subscribe", new { job_id = jobId, from_event_seq = 0 });
                await watcher.SendAsync("job.unsubscribe", new { job_id = jobId });
            }

            string last = await watcher.SendAsync("job.subscribe", new { job_id = jobId, from_event_seq = 1 });
            WireFrame frame;
            do
            {
                frame = (await watcher.ReceiveAsync())!;
                frame.JobId.Should().Be(jobId);
            }
            while ((string?)frame.Json["request_id"] != last);
            (await watcher.ReadJobAsync(jobId)).SkipLast(1).Select(NumberOf).Should().Equal(Enumerable.Range(2, Ticks).Select(i => (long)i));
            await client.ReadJobAsync(jobId);
        }
    }

    [Theory]
    [InlineData(JobVisibility.Hidden, "JOB_NOT_FOUND", "JOB_NOT_FOUND")]
    [InlineData(JobVisibility.Denied, "PERMISSION_DENIED", "JOB_NOT_FOUND")]
    [InlineData(JobVisibility.Observable, null, "PERMISSION_DENIED")]
    public async Task Another_principals_job_is_shown_as_the_policy_says_and_never_cancelled(JobVisibility visibility, string? subscribeCode, string cancelCode)
    {
        var agent = new GatedAgent();
        var policy = new FixedPolicy(visibility);
        await using var runtime = new TestRuntime(builder => builder.AddAgent("gate", "1", agent.RunAsync).UseObservationPolicy(policy));
        await using WireClient client = await runtime.OpenAsync();
        await using WireClient watcher = await runtime.OpenAsync("secret-b");
        string jobId = (await client.SubmitAsync("gate")).JobId!;
        await agent.BegunAsync(jobId);
        await client.ExpectAsync("job.event");

        string request = await watcher.SendAsync("job.subscribe", new { job_id = jobId, history = true });
        if (subscribeCode is null)
        {
            await watcher.ExpectAsync("job.subscribed");
            await watcher.ExpectAsync("job.event");
        }
        else
        {
            await watcher.ExpectRefusalAsync(request, subscribeCode);
        }

        runtime.Logs.Lines.Should().ContainSingle(line => line.Contains("Audit") && line.Contains(jobId) && line.Contains("bob") && line.Contains("alice") && line.Contains(visibility.ToString()));
        request = await watcher.SendAsync("job.cancel", new { job_id = jobId });
        await watcher.ExpectRefusalAsync(request, cancelCode);
        policy.Asked.Should().AllSatisfy(asked => asked.Should().Be(("bob", jobId, "alice", "gate", "running")));
        await watcher.SendAsync("session.list_jobs");
        (await watcher.ExpectAsync("session.jobs")).Payload["jobs"]!.AsArray().Should().BeEmpty();

        agent.Open(jobId);
        (await client.ReadJobAsync(jobId))[^1].FinalStatus.Should().Be("success");
        if (subscribeCode is null)
        {
            (await watcher.ExpectAsync("job.result")).EventSeq.Should().Be(2);
        }

        await watcher.ExpectQuietAsync();
    }

    [Fact]
    public async Task A_hidden_job_is_refused_with_the_words_for_an_unknown_one()
    {
        await using var runtime = new TestRuntime(builder => builder.UseObservationPolicy(new FixedPolicy(JobVisibility.Hidden)));
        await using WireClient client = await runtime.OpenAsync();
        await using WireClient watcher = await runtime.OpenAsync("secret-b");
        string jobId = (await client.SubmitAsync("wait")).JobId!;
        foreach (string verb in new[] { "job.subscribe", "job.cancel" })
        {
            var texts = new List<string?>();
            foreach (string named in new[] { jobId, "job_01KA0000000000000000000000" })
            {
                string request = await watcher.SendAsync(verb, new { job_id = named });
                texts.Add((await watcher.ExpectRefusalAsync(request, "JOB_NOT_FOUND")).Message);
            }

            texts[0].Should().Be(texts[1]);
        }
    }

    [Fact]
    public async Task A_policy_that_throws_shows_nothing()
    {
        await using var runtime = new TestRuntime(builder => builder.UseObservationPolicy(new FixedPolicy((JobVisibility)(-1))));
        await using WireClient client = await runtime.OpenAsync();
        await using WireClient watcher = await runtime.OpenAsync("secret-b");
        string jobId = (await client.SubmitAsync("wait")).JobId!;
        string request = await watcher.SendAsync("job.subscribe", new { job_id = jobId, history = true });
        WireFrame error = await watcher.ExpectRefusalAsync(request, "INTERNAL_ERROR");
        error.Text.Should().NotContain("policy's own words");
        await watcher.ExpectQuietAsync();
    }

    [Fact]
    public async Task Another_session_of_the_principal_may_watch_but_not_cancel()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();
        await using WireClient watcher = await runtime.OpenAsync();
        string jobId = (await client.SubmitAsync("wait")).JobId!;
        await watcher.SendAsync("job.subscribe", new { job_id = jobId });
        await watcher.ExpectAsync("job.subscribed");
        string request = await watcher.SendAsync("job.cancel", new { job_id = jobId });
        await watcher.SkipToAsync("session.error");
        (await watcher.ExpectAsync("job.error")).Id.Should().Be(request);
        runtime.Runtime.GetStatistics().RunningJobs.Should().Be(1);

        await client.SendAsync("job.cancel", new { job_id = jobId });
        (await watcher.ReadJobAsync(jobId))[^1].FinalStatus.Should().Be("cancelled");
        await watcher.ExpectQuietAsync(); // no job.cancelled for those who did not ask
    }

    [Fact]
    public async Task Kinds_that_a_subscriber_did_not_negotiate_take_no_number()
    {
        await using var runtime = new TestRuntime(builder => builder.AddAgent("mixed", "1", async (job, _) =>
        {
            for (int i = 1; i <= 40; i++)
            {
                await (i % 2 == 0 ? job.ProgressAsync(i) : job.LogAsync($"tick {i}"));
            }

            return job.Input;
        }));
        await using WireClient client = await runtime.OpenAsync();
        await using WireClient watcher = await runtime.OpenAsync("secret-a", "subscribe");
        string jobId = (await client.RunJobAsync("mixed"))[0].JobId!;

        await watcher.SendAsync("job.subscribe", new { job_id = jobId, history = true });
        ((long)(await watcher.ExpectAsync("job.subscribed")).Payload["subscribed_from"]!).Should().Be(42);
        List<WireFrame> seen = await watcher.ReadJobAsync(jobId);
        seen.Select(frame => frame.EventSeq).Should().Equal(Enumerable.Range(1, 22).Select(i => (long?)i));
        seen.Should().NotContain(frame => frame.Kind == "progress");
        await watcher.DisposeAsync();
        await using WireClient resumed = runtime.Connect();
        await resumed.ResumeAsync(watcher.ResumeToken, 3);
        (await resumed.ReadJobAsync(jobId)).Select(frame => frame.Text).Should().Equal(seen.Skip(3).Select(frame => frame.Text));
    }

    [Theory]
    [InlineData("""{"job_id":"job_unknown"}""", "JOB_NOT_FOUND")]
    [InlineData("""{}""", "INVALID_REQUEST")]
    [InlineData("""{"job_id":null}""", "INVALID_REQUEST")]
    [InlineData("""{"job_id":"job_unknown","from_event_seq":-1}""", "INVALID_REQUEST")]
    [InlineData("""{"job_id":"job_unknown","from_event_seq":"1"}""", "INVALID_REQUEST")]
    [InlineData("""{"job_id":"job_unknown","history":"yes"}""", "INVALID_REQUEST")]
    public async Task A_subscribe_that_is_wrong_is_refused(string payload, string code)
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();
        await client.SendRawAsync($$"""{"id":"s","type":"job.subscribe","payload":{{payload}}}""");
        await client.ExpectRefusalAsync("s", code);
        await client.ExpectQuietAsync();
    }

    [Fact]
    public async Task History_that_is_no_longer_held_is_refused_and_the_rest_can_be_had()
    {
        var agent = new GatedAgent();
        await using var runtime = new TestRuntime(builder =>
        {
            builder.AddAgent("gate", "1", agent.RunAsync);
            builder.Options.MaxLogEventsPerJob = 10;
        });
        await using WireClient client = await runtime.OpenAsync();
        await using WireClient watcher = await runtime.OpenAsync();
        string jobId = (await client.SubmitAsync("gate")).JobId!;
        JobContext job = await agent.BegunAsync(jobId);
        for (int i = 1; i < 30; i++)
        {
            await job.LogAsync($"tick {i}");
        }

        for (int from = 19; from >= 0; from -= 19)
        {
            string request = await watcher.SendAsync("job.subscribe", new { job_id = jobId, from_event_seq = from });
            await watcher.ExpectRefusalAsync(request, "INVALID_REQUEST");
        }

        await watcher.SendAsync("job.subscribe", new { job_id = jobId, from_event_seq = 20 });
        await watcher.ExpectAsync("job.subscribed");
        agent.Open(jobId);
        (await watcher.ReadJobAsync(jobId)).SkipLast(1).Select(NumberOf).Should().Equal(Enumerable.Range(21, 10).Select(i => (long)i));
    }

    private static async Task<RawJson?> TickAsync(JobContext job, int pause)
    {
        for (int i = 1; i <= Ticks; i++)
        {
            await job.LogAsync($"tick {i}");
            Thread.SpinWait(pause);
        }

        return job.Input;
    }

    /// <summary>An event's number in its job's log.</summary>
    private static long NumberOf(WireFrame frame) => frame.Kind == "status" ? 1 : int.Parse(((string)frame.Body["message"]!)[5..], null) + 1;

    private static string PayloadOf(WireFrame frame) => frame.Payload.ToJsonString();

    private sealed class Watcher(WireClient client)
    {
        private long _lastSeq;

        public WireClient Client => client;

        /// <summary>Subscribes and reads to the end; returns where the live events began.</summary>
        public async Task<long> WatchAsync(string jobId, long? from)
        {
            await client.SendAsync("job.subscribe", new { job_id = jobId, from_event_seq = from });
            WireFrame subscribed = await client.ExpectAsync("job.subscribed");
            subscribed.JobId.Should().Be(jobId);
            long live = (long)subscribed.Payload["subscribed_from"]!;
            List<WireFrame> frames = await client.ReadJobAsync(jobId);
            frames.Should().AllSatisfy(frame => frame.EventSeq.Should().Be(++_lastSeq));
            long first = Math.Min(from ?? live, live);
            frames.SkipLast(1).Select(NumberOf).Should().Equal(Enumerable.Range((int)first + 1, Math.Max(0, Ticks + 1 - (int)first)).Select(i => (long)i));
            frames[^1].Type.Should().Be("job.result");
            return live;
        }
    }

    private sealed class FixedPolicy(JobVisibility visibility) : IJobObservationPolicy
    {
        public List<(string Observer, string JobId, string Owner, string Agent, string Status)> Asked { get; } = [];

        public JobVisibility Decide(Principal observer, ObservedJob job)
        {
            Asked.Add((observer.Name, job.JobId.Value, job.Owner.Name, job.Agent, job.Status.Value));
            return Enum.IsDefined(visibility) ? visibility : throw new InvalidOperationException("the policy's own words");
        }
    }
}
