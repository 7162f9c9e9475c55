using Arcp.Runtime.Authentication;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Sessions;

[Trait("Section", "6.1")]
public class AuthenticationTests
{
    [Theory]
    [InlineData("""{"scheme":"bearer","token":"secret-a"}""", "alice")]
    [InlineData("""{"token":"secret-b","scheme":"bearer","more":1}""", "bob")]
    public async Task A_token_opens_a_session_for_its_principal(string auth, string principal)
    {
        string? seen = null;
        await using var runtime = new TestRuntime(builder => builder.AddAgent("who", "1", (job, _) =>
        {
            seen = job.Principal.Name;
            return Task.FromResult<Core.RawJson?>(null);
        }));
        await using WireClient client = runtime.Connect();

        await client.SendRawAsync($$$"""{"type":"session.hello","payload":{"auth":{{{auth}}}}}""");
        await client.ExpectAsync("session.welcome");
        await client.RunJobAsync("who");

        seen.Should().Be(principal);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"auth":null}""")]
    [InlineData("""{"auth":{}}""")]
    [InlineData("""{"auth":{"scheme":"bearer"}}""")]
    [InlineData("""{"auth":{"scheme":"bearer","token":null}}""")]
    [InlineData("""{"auth":{"scheme":"bearer","token":""}}""")]
    [InlineData("""{"auth":{"scheme":"bearer","token":"  \t"}}""")]
    [InlineData("""{"auth":{"scheme":"bearer","token":"secret-A"}}""")]
    [InlineData("""{"auth":{"scheme":"bearer","token":"secret-a "}}""")]
    [InlineData("""{"auth":{"scheme":"bearer","token":"secret"}}""")]
    [InlineData("""{"auth":{"scheme":"bearer","token":"secret-a\u0000"}}""")]
    [InlineData("""{"auth":{"token":"secret-a"}}""")]
    [InlineData("""{"auth":{"scheme":"basic","token":"secret-a"}}""")]
    [InlineData("""{"auth":{"scheme":"Bearer","token":"secret-a"}}""")]
    [InlineData("""{"auth":{"scheme":"anonymous"}}""")]
    [InlineData("""{"auth":{"scheme":"none"}}""")]
    public async Task Without_a_known_bearer_token_the_connection_is_refused_and_closed(string payload)
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = runtime.Connect();

        await client.SendRawAsync($$$"""{"type":"session.hello","id":"h1","payload":{{{payload}}}}""");

        WireFrame error = await client.ExpectErrorAsync("UNAUTHENTICATED", "h1");
        ((bool?)error.Payload["retryable"]).Should().BeFalse();
        await client.ExpectEndAsync();
        runtime.Runtime.GetStatistics().Sessions.Should().Be(0);
    }

    [Theory]
    [InlineData("anonymous")]
    [InlineData("none")]
    public async Task Anonymous_sessions_work_when_the_host_allows_them_and_each_is_its_own_principal(string scheme)
    {
        await using var runtime = new TestRuntime(builder => builder.Options.AllowAnonymous = true);
        await using WireClient first = runtime.Connect();
        await using WireClient second = runtime.Connect();
        object hello = new { auth = new { scheme }, capabilities = new { features = new[] { "subscribe" } } };
        await first.HelloAsync(hello);
        await second.HelloAsync(hello);

        WireFrame accepted = await first.SubmitAsync("wait");
        string id = await second.SendAsync("job.cancel", new { job_id = accepted.JobId });
        await second.ExpectRefusalAsync(id, "JOB_NOT_FOUND");
        id = await second.SendAsync("job.subscribe", new { job_id = accepted.JobId });
        await second.ExpectRefusalAsync(id, "JOB_NOT_FOUND");

        await using WireClient third = runtime.Connect();
        await third.SendRawAsync("""{"type":"session.hello","payload":{}}""");
        await third.ExpectErrorAsync("UNAUTHENTICATED");
    }

    [Fact]
    public async Task An_anonymous_session_is_resumed_by_its_token_but_not_by_a_named_principal()
    {
        await using var runtime = new TestRuntime(builder => builder.Options.AllowAnonymous = true);
        await using WireClient client = runtime.Connect();
        await client.HelloAsync(new { auth = new { scheme = "anonymous" } });
        await client.DisposeAsync();

        await using WireClient thief = runtime.Connect();
        await thief.SendAsync("session.hello", new { auth = new { scheme = "bearer", token = "secret-a" }, resume_token = client.ResumeToken });
        (await thief.ExpectAsync("session.error")).Code.Should().Be("RESUME_WINDOW_EXPIRED");

        await using WireClient again = runtime.Connect();
        await again.HelloAsync(new { auth = new { scheme = "anonymous" }, resume_token = client.ResumeToken });
        again.SessionId.Should().Be(client.SessionId);
    }

    [Fact]
    public async Task A_principal_that_the_host_has_found_is_taken_whatever_the_client_presents()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = runtime.Connect(new ConnectionContext { Principal = Principal.Named("carol") });
        await client.HelloAsync("secret-a");
        WireFrame accepted = await client.SubmitAsync("wait");

        await using WireClient alice = await runtime.OpenAsync();
        string id = await alice.SendAsync("job.cancel", new { job_id = accepted.JobId });
        await alice.ExpectRefusalAsync(id, "JOB_NOT_FOUND");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_authenticator_that_throws_lets_nobody_in_and_keeps_its_text_to_itself(bool synchronously)
    {
        await using var runtime = new TestRuntime(builder => builder.UseAuthenticator(new Throwing(synchronously)));
        await using WireClient client = runtime.Connect();

        await client.SendAsync("session.hello", new { auth = new { scheme = "bearer", token = "secret-a" } }, new { id = "h" });

        WireFrame error = await client.ExpectErrorAsync("INTERNAL_ERROR", "h");
        error.Text.Should().NotContain("database");
        await client.ExpectEndAsync();
        runtime.Logs.Lines.Should().Contain(line => line.Contains("database", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_authenticator_that_does_not_answer_ends_with_the_handshake()
    {
        var clock = new ManualClock();
        var stuck = new Stuck();
        await using var runtime = new TestRuntime(builder => builder.UseAuthenticator(stuck), clock);
        await using WireClient client = runtime.Connect();

        await client.SendAsync("session.hello", new { auth = new { scheme = "bearer", token = "secret-a" } }, new { id = "h" });
        await stuck.Asked.Task.WaitAsync(WireClient.Patience, TimeProvider.System);
        clock.Advance(TimeSpan.FromSeconds(10));

        await client.ExpectErrorAsync("UNAUTHENTICATED", "h");
        await client.ExpectEndAsync();
        await client.DisposeAsync();
        await runtime.ConnectionsEndedAsync();
        clock.ActiveTimers.Should().Be(0);
    }

    private sealed class Throwing(bool synchronously) : IArcpAuthenticator
    {
        public ValueTask<Principal?> AuthenticateAsync(string token, ConnectionContext connection, CancellationToken cancellationToken) =>
            synchronously ? throw new InvalidOperationException("the database is down") : ThrowAsync();

        private static async ValueTask<Principal?> ThrowAsync()
        {
            await Task.Yield();
            throw new InvalidOperationException("the database is down");
        }
    }

    private sealed class Stuck : IArcpAuthenticator
    {
        public TaskCompletionSource Asked { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public async ValueTask<Principal?> AuthenticateAsync(string token, ConnectionContext connection, CancellationToken cancellationToken)
        {
            Asked.SetResult();
            await new TaskCompletionSource().Task;
            return null;
        }
    }
}
