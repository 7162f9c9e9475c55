using System.Text.Json;
using System.Text.Json.Nodes;
using Arcp.Core;
using Arcp.Core.Transports;
using Arcp.Runtime.Agents;
using Arcp.Runtime.Authentication;
using Arcp.Runtime.Configuration;
using Arcp.Runtime.Jobs;
using Arcp.Runtime.Sessions;
using Arcp.Runtime.Storage;
using Arcp.Runtime.Tests.Support;
using Xunit.Abstractions;

namespace Arcp.Runtime.Tests.Sessions;

/// <summary>Who asks twice gets one job and the first answer, byte by byte.</summary>
[Trait("Section", "7.2")]
public class IdempotencyTests(ITestOutputHelper output)
{
    private static readonly object Submit = new
    {
        agent = "gate",
        input = new { a = 1, b = "ü" },
        idempotency_key = "k",
        lease_request = new Dictionary<string, string[]> { ["x-vendor.acme"] = ["**"], ["fs.read"] = ["/data/**"] },
    };

    [Fact]
    public async Task A_resubmit_is_answered_with_the_same_bytes_while_the_job_runs_after_it_and_from_anywhere()
    {
        var clock = new ManualClock();
        var agent = new GatedAgent();
        await using var runtime = new TestRuntime(builder => builder.AddAgent("gate", "1", agent.RunAsync), clock);
        await using WireClient first = await runtime.OpenAsync();
        WireFrame original = await SubmitAsync(first);
        string jobId = original.JobId!;
        string payload = PayloadOf(original);
        await agent.BegunAsync(jobId);
        await first.ExpectAsync("job.event");
        clock.Advance(TimeSpan.FromSeconds(1));

        PayloadOf(await SubmitAsync(first)).Should().Be(payload, "while it runs");
        await using WireClient other = await runtime.OpenAsync();
        PayloadOf(await SubmitAsync(other)).Should().Be(payload, "from another session of the principal");
        await using WireClient plain = await runtime.OpenAsync("secret-a", "ack");
        PayloadOf(await SubmitAsync(plain)).Should().Be(payload, "from a session that negotiated less");

        agent.Open(jobId);
        (await first.ReadJobAsync(jobId))[^1].FinalStatus.Should().Be("success");
        clock.Advance(TimeSpan.FromSeconds(1));
        PayloadOf(await SubmitAsync(first)).Should().Be(payload, "after it ended");
        PayloadOf(await SubmitAsync(other)).Should().Be(payload);

        await first.DisposeAsync();
        await using WireClient resumed = runtime.Connect();
        await resumed.ResumeAsync(first.ResumeToken, 2);
        PayloadOf(await SubmitAsync(resumed)).Should().Be(payload, "after a resume");

        clock.Advance(TimeSpan.FromHours(23));
        runtime.Runtime.GetStatistics().Jobs.Should().Be(0, "its retention is over");
        PayloadOf(await SubmitAsync(resumed)).Should().Be(payload, "for 24 hours, whether the job is known or not");
        await resumed.ExpectQuietAsync();
        await other.ExpectQuietAsync();
        agent.Runs.Should().Be(1);
    }

    [Fact]
    public async Task After_its_lifetime_and_its_job_a_key_is_free()
    {
        var clock = new ManualClock();
        var agent = new GatedAgent();
        await using var runtime = new TestRuntime(builder => builder.AddAgent("gate", "1", agent.RunAsync), clock);
        await using WireClient client = await runtime.OpenAsync();
        string jobId = (await SubmitAsync(client)).JobId!;
        await agent.BegunAsync(jobId);
        await client.ExpectAsync("job.event");

        clock.Advance(TimeSpan.FromHours(48));
        (await SubmitAsync(client)).JobId.Should().Be(jobId, "the job still runs");
        agent.Open(jobId);
        await client.ReadJobAsync(jobId);
        clock.Advance(TimeSpan.FromHours(2));
        runtime.Runtime.GetStatistics().IdempotencyEntries.Should().Be(0);
        string next = (await SubmitAsync(client)).JobId!;
        next.Should().NotBe(jobId);
        agent.Open(next);
    }

    [Fact]
    public async Task Fifty_first_submits_at_once_on_five_sessions_make_one_job()
    {
        const int rounds = 1_000;
        const int sessions = 5;
        const int each = 10;
        long start = TimeProvider.System.GetTimestamp();
        int runs = 0;
        await using var runtime = new TestRuntime(builder => builder.AddAgent("counted", "1", (job, _) =>
        {
            Interlocked.Increment(ref runs);
            return Task.FromResult<RawJson?>(job.Input);
        }));
        var clients = new List<WireClient>();
        for (int i = 0; i < sessions; i++)
        {
            clients.Add(await runtime.OpenAsync());
        }

        var ended = new HashSet<string>();
        void Note(WireFrame frame) => (!frame.IsTerminal || ended.Add(frame.JobId!)).Should().BeTrue("a job has one terminal frame");
        using var race = new Race(sessions);
        for (int round = 0; round < rounds; round++)
        {
            string frame = $$"""{"payload":{"agent":"counted","input":{{round}},"idempotency_key":"k{{round}}"},"id":"c","type":"job.submit"}""";
            race.Round(runner =>
            {
                for (int i = 0; i < each; i++)
                {
                    clients[runner].SendRawAsync(frame).GetAwaiter().GetResult();
                }
            });

            var payloads = new HashSet<string>();
            foreach (WireClient client in clients)
            {
                for (int answers = 0; answers < each;)
                {
                    WireFrame frameIn = (await client.ReceiveAsync())!;
                    if (frameIn.Type == "job.accepted")
                    {
                        payloads.Add(PayloadOf(frameIn));
                        answers++;
                        continue;
                    }

                    Note(frameIn);
                    frameIn.Type.Should().BeOneOf("job.event", "job.result");
                }

                await client.SendAsync("session.ping");
                WireFrame pong;
                while ((pong = (await client.ReceiveAsync())!).Type != "session.pong")
                {
                    Note(pong);
                }
            }

            payloads.Should().ContainSingle("in round {0}", round);
        }

        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().RunningAgents == 0, "the end of all agents");
        runs.Should().Be(rounds);
        runtime.Runtime.GetStatistics().Jobs.Should().Be(rounds);
        runtime.Runtime.GetStatistics().IdempotencyEntries.Should().Be(rounds);
        output.WriteLine($"{rounds} rounds of {sessions * each} submits in {TimeProvider.System.GetElapsedTime(start).TotalSeconds:F1} s");
        clients.ForEach(client => client.DisposeAsync().AsTask().GetAwaiter().GetResult());
    }

    [Fact]
    public async Task Keys_of_two_principals_never_meet_whatever_the_two_are_called()
    {
        await using var runtime = new TestRuntime(builder => builder.AddBearerToken("t1", "a|b").AddBearerToken("t2", "a").AddBearerToken("t3", "a:b"));
        await using WireClient one = await runtime.OpenAsync("t1");
        await using WireClient two = await runtime.OpenAsync("t2");
        await using WireClient three = await runtime.OpenAsync("t3");
        var jobs = new List<string>();
        foreach ((WireClient client, string key) in new[] { (one, "c"), (two, "b|c"), (two, "b:c"), (three, "c"), (two, "c") })
        {
            await client.SendAsync("job.submit", new { agent = "echo", idempotency_key = key });
            jobs.Add((await client.ExpectAsync("job.accepted")).JobId!);
            await client.ReadJobAsync(jobs[^1]);
        }

        jobs.Should().OnlyHaveUniqueItems();
    }

    [Fact]
    public async Task Anonymous_sessions_have_keys_of_their_own_that_survive_a_resume()
    {
        await using var runtime = new TestRuntime(builder => builder.Options.AllowAnonymous = true);
        await using WireClient one = runtime.Connect();
        await using WireClient two = runtime.Connect();
        foreach (WireClient client in new[] { one, two })
        {
            await client.HelloAsync(new { auth = new { scheme = "anonymous" } });
        }

        var jobs = new List<string>();
        foreach (WireClient client in new[] { one, two })
        {
            await client.SendAsync("job.submit", new { agent = "echo", idempotency_key = "k" });
            jobs.Add((await client.ExpectAsync("job.accepted")).JobId!);
            await client.ReadJobAsync(jobs[^1]);
        }

        jobs.Should().OnlyHaveUniqueItems();
        await one.DisposeAsync();
        await using WireClient resumed = runtime.Connect();
        await resumed.ResumeAsync(one.ResumeToken, 2);
        await resumed.SendAsync("job.submit", new { agent = "echo", idempotency_key = "k" });
        (await resumed.ExpectAsync("job.accepted")).JobId.Should().Be(jobs[0]);
    }

    [Theory]
    [InlineData("""{"agent":"wait","input":{"a":1,"b":[1,2]},"idempotency_key":"k","max_runtime_sec":60}""", true)]
    [InlineData("""{"idempotency_key":"k","max_runtime_sec":6e1,"input":{"b":[1.0,0.2e1],"a":10e-1},"agent":"wait"}""", true)]
    [InlineData("""{"agent":"wait","input":{"a":1,"b":[1,2]},"idempotency_key":"k","max_runtime_sec":60,"lease_request":{},"parent_job_id":null,"unknown":1}""", true)]
    [InlineData("""{"agent":"wait","input":{"\u0061":1,"b":[1,2]},"idempotency_key":"k","max_runtime_sec":60}""", true)]
    [InlineData("""{"agent":"wait@1.0.0","input":{"a":1,"b":[1,2]},"idempotency_key":"k","max_runtime_sec":60}""", false)]
    [InlineData("""{"agent":"echo","input":{"a":1,"b":[1,2]},"idempotency_key":"k","max_runtime_sec":60}""", false)]
    [InlineData("""{"agent":"wait","input":{"a":1,"b":[2,1]},"idempotency_key":"k","max_runtime_sec":60}""", false)]
    [InlineData("""{"agent":"wait","input":{"a":"1","b":[1,2]},"idempotency_key":"k","max_runtime_sec":60}""", false)]
    [InlineData("""{"agent":"wait","input":{"a":1,"b":[1,2],"c":null},"idempotency_key":"k","max_runtime_sec":60}""", false)]
    [InlineData("""{"agent":"wait","input":{"a":1.0000000000000000000000000001,"b":[1,2]},"idempotency_key":"k","max_runtime_sec":60}""", false)]
    [InlineData("""{"agent":"wait","input":null,"idempotency_key":"k","max_runtime_sec":60}""", false)]
    [InlineData("""{"agent":"wait","input":{"a":1,"b":[1,2]},"idempotency_key":"k","max_runtime_sec":61}""", false)]
    [InlineData("""{"agent":"wait","input":{"a":1,"b":[1,2]},"idempotency_key":"k"}""", false)]
    [InlineData("""{"agent":"wait","input":{"a":1,"b":[1,2]},"idempotency_key":"k","max_runtime_sec":60,"lease_request":{"fs.read":["/x"]}}""", false)]
    public async Task A_key_stands_for_one_request_whatever_its_spelling(string again, bool isSame)
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();
        await client.SendAsync("job.submit", JsonNode.Parse("""{"agent":"wait","input":{"a":1,"b":[1,2]},"idempotency_key":"k","max_runtime_sec":60}""")!.AsObject());
        WireFrame accepted = await client.ExpectAsync("job.accepted");
        await client.ExpectAsync("job.event");

        await client.SendRawAsync($$"""{"id":"again","type":"job.submit","payload":{{again}}}""");

        if (isSame)
        {
            WireFrame same = await client.ExpectAsync("job.accepted");
            PayloadOf(same).Should().Be(PayloadOf(accepted));
            ((string?)same.Json["request_id"]).Should().Be("again");
            same.TraceId.Should().Be(accepted.TraceId);
        }
        else
        {
            WireFrame error = await client.ExpectRefusalAsync("again", "DUPLICATE_KEY");
            error.JobId.Should().BeNull("the existing job is not addressed");
            error.Payload["job_id"].Should().BeNull();
            error.Payload["details"]!.ToJsonString().Should().Be($$"""{"existing_job_id":"{{accepted.JobId}}"}""");
            ((bool)error.Payload["retryable"]!).Should().BeFalse();
        }

        await client.ExpectQuietAsync();
    }

    [Fact]
    public async Task A_refused_submit_gives_its_key_back()
    {
        await using var runtime = new TestRuntime(builder => builder.Options.MaxRunningJobsPerPrincipal = 1);
        await using WireClient client = await runtime.OpenAsync();
        string running = (await client.SubmitAsync("wait")).JobId!;
        await client.ExpectAsync("job.event");

        string request = await client.SendAsync("job.submit", new { agent = "echo", idempotency_key = "k" });
        await client.ExpectRefusalAsync(request, "INTERNAL_ERROR");
        request = await client.SendAsync("job.submit", new { agent = "echo", idempotency_key = "k", parent_job_id = "job_unknown" });
        await client.ExpectRefusalAsync(request, "JOB_NOT_FOUND");
        request = await client.SendAsync("job.submit", new { agent = "nobody", idempotency_key = "k" });
        await client.ExpectRefusalAsync(request, "AGENT_NOT_AVAILABLE");
        runtime.Runtime.GetStatistics().IdempotencyEntries.Should().Be(0);

        await client.SendAsync("job.cancel", new { job_id = running });
        await client.ReadJobAsync(running);
        await client.SendAsync("job.submit", new { agent = "echo", input = "another request", idempotency_key = "k" });
        string jobId = (await client.ExpectAsync("job.accepted")).JobId!;
        (await client.ReadJobAsync(jobId))[^1].Raw("result").Should().Be("\"another request\"");
    }

    [Fact]
    public async Task A_store_that_fails_refuses_the_submit_and_leaves_nothing()
    {
        int runs = 0;
        bool isFull = true;
        var decide = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var store = new ScriptedRuntimeStore
        {
            BeforeCommit = async changes =>
            {
                if (changes.Any(change => change is StoreChange.AnswerKept))
                {
                    await decide.Task;
                    throw isFull ? new IOException("the disk is full") : new InvalidOperationException("the answer of the refused submit came without what takes it back");
                }
            },
        };
        await using var runtime = new TestRuntime(builder => builder.UseStore(_ => store).AddAgent("counted", "1", (job, _) =>
        {
            runs++;
            return Task.FromResult<RawJson?>(job.Input);
        }));
        await using WireClient client = await runtime.OpenAsync();
        string keyed = await client.SendAsync("job.submit", new { agent = "counted", idempotency_key = "k" });
        await client.ExpectQuietAsync(); // the read loop does not wait for the store
        decide.SetResult();
        WireFrame error = await client.ExpectRefusalAsync(keyed, "INTERNAL_ERROR");
        error.Text.Should().NotContain("disk", "what a store throws is not for the peer");
        ((bool)error.Payload["retryable"]!).Should().BeTrue();
        runtime.Runtime.GetStatistics().Should().BeEquivalentTo(new { Jobs = 0, RunningJobs = 0, IdempotencyEntries = 0 });

        isFull = false;
        store.BeforeCommit = null;
        await TestRuntime.UntilAsync(() => !runtime.Runtime.GetStatistics().IsStoreFailing, "the store is well again");
        await client.SendAsync("job.submit", new { agent = "counted", idempotency_key = "k" });
        WireFrame accepted = await client.ExpectAsync("job.accepted");
        await client.ReadJobAsync(accepted.JobId!);
        runs.Should().Be(1);
    }

    [Fact]
    public async Task A_job_whose_store_decides_after_the_shutdown_ends_at_once()
    {
        int runs = 0;
        var decide = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var store = new ScriptedRuntimeStore { BeforeCommit = changes => changes.Any(change => change is StoreChange.JobAdded) ? decide.Task : Task.CompletedTask };
        (ConnectionHost host, SessionServices services) = await CreateHostAsync(store, () => runs++);
        (InMemoryTransport near, InMemoryTransport far) = InMemoryTransport.CreatePair();
        Task connection = host.RunAsync(host.Add(far), ConnectionContext.Unknown, CancellationToken.None);
        await using (var client = new WireClient(near))
        {
            await client.HelloAsync();
            await client.SendAsync("job.submit", new { agent = "counted", idempotency_key = "k" });
            await client.ExpectQuietAsync();
            services.Jobs.Count.Should().Be(0, "nobody sees a job that is not decided");
            await services.Runner.StopAsync(TimeSpan.Zero, CancellationToken.None);
            decide.SetResult();
            string jobId = (await client.ExpectAsync("job.accepted")).JobId!;
            (await client.ReadJobAsync(jobId)).Should().ContainSingle().Which.Code.Should().Be("INTERNAL_ERROR");
            services.Jobs.ActiveCount.Should().Be(0);
            runs.Should().Be(0);
        }

        await connection.WaitAsync(WireClient.Patience, TimeProvider.System);
        services.Deadlines.Dispose();
    }

    private static async Task<WireFrame> SubmitAsync(WireClient client)
    {
        string request = await client.SendAsync("job.submit", Submit);
        WireFrame accepted = await client.ExpectAsync("job.accepted");
        ((string?)accepted.Json["request_id"]).Should().Be(request);
        accepted.SessionId.Should().Be(client.SessionId);
        return accepted;
    }

    private static string PayloadOf(WireFrame frame)
    {
        using JsonDocument document = JsonDocument.Parse(frame.Text);
        return document.RootElement.GetProperty("payload").GetRawText();
    }

    private static async Task<(ConnectionHost Host, SessionServices Services)> CreateHostAsync(IRuntimeStore store, Action onRun)
    {
        var agent = new DelegateAgent((job, _) =>
        {
            onRun();
            return Task.FromResult<RawJson?>(job.Input);
        });
        SessionServices services = new RuntimeSetup
        {
            Options = new ArcpRuntimeOptions(),
            Clock = TimeProvider.System,
            LoggerFactory = new CapturedLogs(),
            Services = NoServices.Instance,
            Authenticator = new StaticTokenAuthenticator([("secret-a", Principal.Named("alice"))]),
            ObservationPolicy = new DenyOthers(),
            Agents = [new AgentDescriptor("counted", "1", false, _ => agent)],
            Store = store,
        }.Compose(out RuntimeRecovery? recovery);
        await recovery!.RunAsync(services, CancellationToken.None);
        return (new ConnectionHost(services, static _ => Task.CompletedTask), services);
    }

    private sealed class NoServices : IServiceProvider
    {
        public static NoServices Instance { get; } = new();

        public object? GetService(Type serviceType) => null;
    }
}
