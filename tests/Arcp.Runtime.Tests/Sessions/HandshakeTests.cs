using System.Text.Json.Nodes;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Sessions;

[Trait("Section", "6.2")]
public class HandshakeTests
{
    /// <summary>Everything a client can ask, as its first frame.</summary>
    public static TheoryData<string> Requests =>
    [
        """{"type":"job.submit","id":"r","payload":{"agent":"touch"}}""",
        """{"type":"job.cancel","id":"r","payload":{"job_id":"job_1"}}""",
        """{"type":"job.subscribe","id":"r","payload":{"job_id":"job_1"}}""",
        """{"type":"job.unsubscribe","id":"r","payload":{"job_id":"job_1"}}""",
        """{"type":"session.list_jobs","id":"r"}""",
        """{"type":"session.ping","id":"r"}""",
        """{"type":"session.pong","id":"r"}""",
        """{"type":"session.ack","id":"r","payload":{"last_processed_seq":1}}""",
        """{"type":"session.close","id":"r"}""",
        """{"type":"session.bye","id":"r"}""",
        """{"type":"job.result","id":"r"}""",
        """{"type":"session.welcome","id":"r"}""",
        """{"type":"job.submit","id":"r","payload":{"agent":7}}""",
        """{"type":"unknown","id":"r"}""",
        """{"id":"r"}""",
        "not json",
    ];

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task Anything_but_hello_or_resume_as_the_first_frame_is_refused_and_nothing_runs(string frame)
    {
        int runs = 0;
        await using TestRuntime runtime = Touchable(() => runs++);
        await using WireClient client = runtime.Connect();

        await client.SendRawAsync(frame);
        await client.SendAsync("session.hello", new { auth = new { scheme = "bearer", token = "secret-a" } });

        WireFrame error = await client.ExpectAsync("session.error");
        error.Code.Should().Be("UNAUTHENTICATED");
        error.SessionId.Should().MatchRegex("^sess_[0-9A-Z]{26}$", "clients in the field drop frames without one");
        await client.ExpectEndAsync();
        await ExpectNothingAsync(runtime, client);
        runs.Should().Be(0);
    }

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task After_a_refused_hello_nothing_runs_either(string frame)
    {
        int runs = 0;
        await using TestRuntime runtime = Touchable(() => runs++);
        await using WireClient client = runtime.Connect();

        await client.SendAsync("session.hello", new { auth = new { scheme = "bearer", token = "wrong" } });
        await client.SendRawAsync(frame);
        await client.SendAsync("session.hello", new { auth = new { scheme = "bearer", token = "secret-a" } });
        await client.SendAsync("job.submit", new { agent = "touch" });

        (await client.ExpectAsync("session.error")).Code.Should().Be("UNAUTHENTICATED");
        await client.ExpectEndAsync();
        await ExpectNothingAsync(runtime, client);
        runs.Should().Be(0);
    }

    [Theory]
    [InlineData("""{"type":"session.hello","id":"h","payload":{"auth":7}}""", "auth")]
    [InlineData("""{"type":"session.hello","id":"h","payload":{"auth":{"scheme":"bearer","token":7}}}""", "auth.token")]
    [InlineData("""{"type":"session.hello","id":"h","payload":{"capabilities":{"features":"all"}}}""", "features")]
    [InlineData("""{"type":"session.resume","id":"h","payload":{}}""", "resume_token")]
    [InlineData("""{"type":"session.resume","id":"h","payload":{"resume_token":7}}""", "resume_token")]
    [InlineData("""{"arcp":"2.0","type":"session.hello","id":"h"}""", "version")]
    public async Task A_hello_that_breaks_its_schema_is_told_what_is_wrong(string frame, string expected)
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = runtime.Connect();

        await client.SendRawAsync(frame);

        WireFrame error = await client.ExpectErrorAsync("INVALID_REQUEST", "h");
        error.Message.Should().Contain(expected);
        await client.ExpectEndAsync();
    }

    [Fact]
    public async Task Each_session_error_before_the_welcome_has_a_session_id_of_its_own_that_is_no_session()
    {
        await using var runtime = new TestRuntime();
        var ids = new HashSet<string>();
        for (int i = 0; i < 10; i++)
        {
            await using WireClient client = runtime.Connect();
            await client.SendAsync("session.ping");
            ids.Add((await client.ExpectAsync("session.error")).SessionId!).Should().BeTrue();
        }

        runtime.Runtime.GetStatistics().Sessions.Should().Be(0);
    }

    [Fact]
    public async Task A_welcome_tells_all_that_it_must()
    {
        await using var runtime = new TestRuntime(builder =>
        {
            builder.Options.Name = "the-runtime";
            builder.Options.Version = "7.8.9";
            builder.Options.ResumeWindow = TimeSpan.FromSeconds(90.5);
            builder.AddAgent("echo", "1.10.0", (_, _) => Task.FromResult<Core.RawJson?>(null)).AddAgent("echo", "1.9.0", (_, _) => Task.FromResult<Core.RawJson?>(null));
        });
        await using WireClient client = runtime.Connect();

        JsonObject welcome = (await client.HelloAsync("secret-a", "agent_versions", "heartbeat", "unheard_of", "", "progress", "progress")).Payload;

        welcome["runtime"]!.ToJsonString().Should().Be("""{"name":"the-runtime","version":"7.8.9"}""");
        welcome["resume_window_sec"]!.ToJsonString().Should().Be("90.5");
        ((string)welcome["resume_token"]!).Length.Should().BeGreaterThan(22, "it holds 128 bits or more");
        welcome["capabilities"]!["encodings"]!.ToJsonString().Should().Be("""["json"]""");
        welcome["capabilities"]!["agents"]!.ToJsonString().Should().Be(
            """[{"name":"count","versions":["1.0.0"],"default":"1.0.0"},{"name":"echo","versions":["1.0.0","1.9.0","1.10.0"],"default":"1.10.0"},{"name":"wait","versions":["1.0.0"],"default":"1.0.0"}]""");
        string[] features = [.. welcome["capabilities"]!["features"]!.AsArray().Select(node => (string)node!)];
        features.Should().Contain(["progress", "agent_versions"]).And.OnlyHaveUniqueItems();
        features.Should().BeSubsetOf(["agent_versions", "heartbeat", "progress"], "the features are the intersection");
        (welcome["heartbeat_interval_sec"] is not null).Should().Be(features.Contains("heartbeat"));
    }

    [Theory]
    [InlineData("""{"client":{"name":"c","version":"1","more":[1]},"auth":{"scheme":"bearer","token":"secret-a"},"capabilities":{"encodings":["json"],"features":["progress"]}}""", "progress")]
    [InlineData("""{"client_name":"c","client_version":"1","auth":{"scheme":"bearer","token":"secret-a"},"capabilities":{"features":["progress"],"agents":["x"]}}""", "progress")]
    [InlineData("""{"auth":{"scheme":"bearer","token":"secret-a"}}""", null)]
    [InlineData("""{"client":null,"auth":{"scheme":"bearer","token":"secret-a"},"capabilities":null,"resume":null,"resume_token":null,"last_event_seq":null}""", null)]
    [InlineData("""{"auth":{"scheme":"bearer","token":"secret-a"},"capabilities":{}}""", null)]
    [InlineData("""{"auth":{"scheme":"bearer","token":"secret-a"},"capabilities":{"features":null},"resume":{}}""", null)]
    public async Task All_forms_of_hello_open_a_session(string payload, string? feature)
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = runtime.Connect();

        await client.SendRawAsync($$"""{"payload":{{payload}},"type":"session.hello"}""");
        WireFrame welcome = await client.ExpectAsync("session.welcome");

        welcome.Payload["capabilities"]!["features"]!.AsArray().Select(node => (string)node!).Should().Equal(feature is null ? [] : [feature]);
    }

    [Fact]
    public async Task A_second_hello_is_refused_and_the_principal_stays()
    {
        string? principal = null;
        await using var runtime = new TestRuntime(builder => builder.AddAgent("who", "1", (job, _) =>
        {
            principal = job.Principal.Name;
            return Task.FromResult<Core.RawJson?>(null);
        }));
        await using WireClient client = await runtime.OpenAsync("secret-a");

        string id = await client.SendAsync("session.hello", new { auth = new { scheme = "bearer", token = "secret-b" } });
        await client.ExpectErrorAsync("INVALID_REQUEST", id);
        id = await client.SendAsync("session.resume", new { resume_token = client.ResumeToken });
        await client.ExpectErrorAsync("INVALID_REQUEST", id);
        await client.RunJobAsync("who");

        principal.Should().Be("alice");
        runtime.Runtime.GetStatistics().Sessions.Should().Be(1);
        await client.DisposeAsync();
        await using WireClient again = runtime.Connect();
        await again.ResumeAsync(client.ResumeToken, 2);
    }

    [Fact]
    public async Task A_thousand_silent_connections_are_dropped_at_the_handshake_timeout_and_leave_nothing_behind()
    {
        var clock = new ManualClock();
        await using var runtime = new TestRuntime(clock: clock);
        int timers = clock.ActiveTimers;
        WireClient[] silent = [.. Enumerable.Range(0, 1000).Select(_ => runtime.Connect())];
        runtime.Runtime.GetStatistics().Connections.Should().Be(1000);

        clock.Advance(TimeSpan.FromSeconds(9.999));
        runtime.Runtime.GetStatistics().Connections.Should().Be(1000);
        await using (WireClient late = runtime.Connect())
        {
            (await late.ExpectAsync("session.error")).Code.Should().Be("INTERNAL_ERROR", "a thousand wait already");
        }

        clock.Advance(TimeSpan.FromSeconds(0.001));
        foreach (WireClient client in silent)
        {
            WireFrame error = await client.ExpectErrorAsync("UNAUTHENTICATED");
            error.SessionId.Should().NotBeNull();
            await client.ExpectEndAsync(); // and does not close its own side
        }

        clock.Advance(TimeSpan.FromSeconds(2));
        await runtime.ConnectionsEndedAsync();
        ArcpRuntimeStatistics left = runtime.Runtime.GetStatistics();
        left.Should().BeEquivalentTo(new ArcpRuntimeStatistics { Connections = 0, Sessions = 0, Jobs = 0, RunningJobs = 0, RunningAgents = 0, PendingDeadlines = 0 });
        clock.ActiveTimers.Should().Be(timers);
        await using WireClient next = await runtime.OpenAsync();
        await next.ExpectQuietAsync();
    }

    [Fact]
    public async Task Those_who_stay_after_a_refusal_are_dropped_too()
    {
        var clock = new ManualClock();
        await using var runtime = new TestRuntime(clock: clock);
        WireClient[] clients = [.. Enumerable.Range(0, 100).Select(_ => runtime.Connect())];
        foreach (WireClient client in clients)
        {
            await client.SendAsync("session.ping");
            await client.ExpectErrorAsync("UNAUTHENTICATED", "c1");
            await client.ExpectEndAsync(); // and does not close its own side
        }

        runtime.Runtime.GetStatistics().Connections.Should().Be(100);
        clock.Advance(TimeSpan.FromSeconds(2));

        await runtime.ConnectionsEndedAsync();
        runtime.Runtime.GetStatistics().Connections.Should().Be(0);
        clock.ActiveTimers.Should().Be(0);
    }

    [Fact]
    [Trait("Section", "14")]
    public async Task Only_so_many_connections_may_wait_for_their_welcome()
    {
        await using var runtime = new TestRuntime(builder => builder.Options.MaxUnwelcomedConnections = 2);
        await using WireClient first = runtime.Connect();
        await using WireClient second = runtime.Connect();
        await using WireClient third = runtime.Connect();

        WireFrame error = await third.ExpectErrorAsync("INTERNAL_ERROR");
        error.Message.Should().Contain("2");
        ((bool?)error.Payload["retryable"]).Should().BeTrue();
        await third.ExpectEndAsync();

        await first.HelloAsync();
        await using WireClient fourth = runtime.Connect();
        await fourth.HelloAsync();
        await second.HelloAsync();
    }

    [Fact]
    [Trait("Section", "14")]
    public async Task Only_so_many_sessions_per_principal()
    {
        var clock = new ManualClock();
        await using var runtime = new TestRuntime(builder => builder.Options.MaxSessionsPerPrincipal = 2, clock);
        await using WireClient first = await runtime.OpenAsync();
        await using WireClient second = await runtime.OpenAsync();
        await using WireClient third = runtime.Connect();

        await third.SendAsync("session.hello", new { auth = new { scheme = "bearer", token = "secret-a" } });
        WireFrame error = await third.ExpectErrorAsync("INTERNAL_ERROR", "c1");
        error.Message.Should().Contain("sessions per principal");
        ((bool?)error.Payload["retryable"]).Should().BeTrue();
        await using WireClient bob = await runtime.OpenAsync("secret-b");

        await second.CloseAsync();
        await second.DisposeAsync();
        await TestRuntime.UntilAsync(() => runtime.Runtime.GetStatistics().PendingDeadlines == 1, "the window has begun");
        clock.Advance(TimeSpan.FromSeconds(600));
        await using WireClient fourth = await runtime.OpenAsync();
    }

    [Fact]
    public async Task A_silent_connection_stays_until_its_peer_has_read_why_it_ends()
    {
        var clock = new ManualClock();
        await using var runtime = new TestRuntime(clock: clock);
        await using WireClient silent = runtime.Connect();
        clock.Advance(TimeSpan.FromSeconds(10));
        WireFrame error = await silent.ExpectErrorAsync("UNAUTHENTICATED");
        error.Payload["retryable"]!.GetValue<bool>().Should().BeTrue("it may have been the network");
        await silent.ExpectEndAsync();
        runtime.Runtime.GetStatistics().Connections.Should().Be(1);

        await silent.Transport.CloseAsync(CancellationToken.None);
        await runtime.ConnectionsEndedAsync(); // without a move of the clock
    }

    [Fact]
    public async Task A_connection_that_waits_for_its_welcome_does_not_wait_for_the_agents_when_the_runtime_stops()
    {
        var release = new TaskCompletionSource();
        await using var runtime = new TestRuntime(builder =>
        {
            builder.Options.ShutdownGrace = TimeSpan.FromMinutes(10);
            builder.AddAgent("busy", "1.0.0", async (_, _) =>
            {
                await release.Task;
                return null;
            });
        });
        await using WireClient client = await runtime.OpenAsync();
        await client.SubmitAsync("busy");
        await client.ExpectAsync("job.event"); // it runs
        await using WireClient silent = runtime.Connect();

        Task stopping = runtime.Runtime.StopAsync();

        await silent.ExpectErrorAsync("INTERNAL_ERROR");
        await silent.ExpectEndAsync();
        stopping.IsCompleted.Should().BeFalse();
        release.SetResult();
        await client.SkipToAsync("session.closed");
        await client.CloseAsync();
    }

    [Fact]
    public async Task A_connection_that_waits_for_its_welcome_when_the_runtime_stops_is_told_so()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = runtime.Connect();

        Task stopping = runtime.Runtime.StopAsync();

        WireFrame error = await client.ExpectErrorAsync("INTERNAL_ERROR");
        ((bool?)error.Payload["retryable"]).Should().BeTrue();
        await client.ExpectEndAsync();
        await stopping.WaitAsync(WireClient.Patience, TimeProvider.System);
    }

    private static TestRuntime Touchable(Action touch) => new(builder => builder.AddAgent("touch", "1", (_, _) =>
    {
        touch();
        return Task.FromResult<Core.RawJson?>(null);
    }));

    private static async Task ExpectNothingAsync(TestRuntime runtime, WireClient client)
    {
        await client.DisposeAsync();
        await runtime.ConnectionsEndedAsync();
        runtime.Runtime.GetStatistics().Should().BeEquivalentTo(
            new ArcpRuntimeStatistics { Connections = 0, Sessions = 0, Jobs = 0, RunningJobs = 0, RunningAgents = 0, PendingDeadlines = 0 });
    }
}
