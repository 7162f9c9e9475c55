using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Leases;
using Arcp.Runtime.Authentication;
using Arcp.Runtime.Credentials;
using Arcp.Runtime.Credentials.Http;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Credentials;

[Trait("Section", "9.8")]
public sealed class HttpKeyProvisionerTests : IDisposable
{
    private const string MasterKey = "sk-master";
    private const string Issued = """{"key":"sk-secret-1","token":"hash-1","expires":null}""";

    private readonly HttpClient _http = new(new SocketsHttpHandler(), disposeHandler: true);
    private readonly ManualClock _clock = new();

    public void Dispose() => _http.Dispose();

    [Fact]
    public async Task A_lease_becomes_a_key_that_allows_no_more()
    {
        await using var server = new ScriptedHttpServer(_ => Task.FromResult<string?>(ScriptedHttpServer.Http(200, Issued)));
        HttpKeyProvisioner provisioner = Provisioner(server.Address);
        CredentialRequest request = Request(new() { ["cost.budget"] = ["USD:1.50", "EUR:9", "USD:0.25"], ["model.use"] = ["gpt-5", "claude"] }, _clock.GetUtcNow().AddSeconds(90.9));

        IssuedCredential issued = (await provisioner.IssueAsync(request, default)).Single();

        ReceivedRequest received = server.Requests.Single();
        received.Line.Should().StartWith("POST /llm/key/generate ");
        received.Headers["Authorization"].Should().Be($"Bearer {MasterKey}");
        received.Headers["Content-Type"].Should().Be("application/json");
        received.Body.GetProperty("max_budget").GetDecimal().Should().Be(1.75m);
        received.Body.GetProperty("models").EnumerateArray().Select(model => model.GetString()).Should().Equal("gpt-5", "claude");
        received.Body.GetProperty("duration").GetString().Should().Be("90s");
        received.Body.GetProperty("metadata").GetProperty("arcp_job_id").GetString().Should().Be("job_1");
        received.Body.GetProperty("metadata").GetProperty("arcp_principal").GetString().Should().Be("alice");
        issued.Should().BeEquivalentTo(new { Value = "sk-secret-1", ProviderKey = "hash-1", Scheme = "bearer", Profile = "openai", Endpoint = server.Address.AbsoluteUri });
        issued.Constraints!.ToString().Should().Be("""{"cost.budget":["USD:1.75"],"model.use":["gpt-5","claude"],"expires_at":"2026-01-01T00:01:30.9Z"}""");
    }

    [Fact]
    public async Task An_empty_lease_bounds_nothing_but_what_the_options_do()
    {
        await using var server = new ScriptedHttpServer(_ => Task.FromResult<string?>(ScriptedHttpServer.Http(200, Issued)));

        await Provisioner(server.Address).IssueAsync(Request([]), default);
        await Provisioner(server.Address, options => options with { DefaultMaxBudget = 2m, DefaultModels = ["small"], MaxLifetime = TimeSpan.FromHours(1) })
            .IssueAsync(Request([], _clock.GetUtcNow().AddDays(1)), default);

        ReceivedRequest[] received = [.. server.Requests];
        received[0].Body.EnumerateObject().Select(member => member.Name).Should().Equal("metadata");
        received[1].Body.GetProperty("max_budget").GetDecimal().Should().Be(2m);
        received[1].Body.GetProperty("models")[0].GetString().Should().Be("small");
        received[1].Body.GetProperty("duration").GetString().Should().Be("3600s");
    }

    [Theory]
    [InlineData("gpt-*", "gpt-5,gpt-5-mini")]
    [InlineData("*", "gpt-5,gpt-5-mini,claude")]
    [InlineData("**", "gpt-5,gpt-5-mini,claude,lab/gpt-x")]
    [InlineData("lab/*", "lab/gpt-x")]
    [InlineData("g.t-5*", "no-default-models")]
    [InlineData("nothing-*", "no-default-models")]
    public async Task Wildcards_become_the_known_models_and_none_is_not_all(string pattern, string models)
    {
        await using var server = new ScriptedHttpServer(_ => Task.FromResult<string?>(ScriptedHttpServer.Http(200, Issued)));

        await Provisioner(server.Address, options => options with { KnownModels = ["gpt-5", "gpt-5-mini", "claude", "lab/gpt-x"] }).IssueAsync(Request(new() { ["model.use"] = [pattern] }), default);

        string.Join(",", server.Requests.Single().Body.GetProperty("models").EnumerateArray().Select(model => model.GetString())).Should().Be(models);
    }

    [Fact]
    public async Task A_lease_without_any_model_gets_none_rather_than_all()
    {
        await using var server = new ScriptedHttpServer(_ => Task.FromResult<string?>(ScriptedHttpServer.Http(200, Issued)));

        await Provisioner(server.Address).IssueAsync(Request(new() { ["model.use"] = [] }), default);
        await Provisioner(server.Address, options => options with { DefaultModels = [] }).IssueAsync(Request([]), default);

        server.Requests.Should().HaveCount(2).And.OnlyContain(request => request.Body.GetProperty("models")[0].GetString() == "no-default-models");
    }

    [Fact]
    public async Task What_cannot_be_granted_is_not_asked_for()
    {
        await using var server = new ScriptedHttpServer(_ => Task.FromResult<string?>(ScriptedHttpServer.Http(200, Issued)));
        HttpKeyProvisioner provisioner = Provisioner(server.Address);

        await RefusedAsync(() => provisioner.IssueAsync(Request(new() { ["model.use"] = ["gpt-*"] }), default).AsTask(), ErrorCode.InvalidRequest);
        await RefusedAsync(() => provisioner.IssueAsync(Request(new() { ["cost.budget"] = ["USD:0"] }), default).AsTask(), ErrorCode.BudgetExhausted);
        await RefusedAsync(() => provisioner.IssueAsync(Request([], _clock.GetUtcNow()), default).AsTask(), ErrorCode.LeaseExpired);

        server.Requests.Should().BeEmpty();
    }

    [Fact]
    public async Task A_rotation_is_a_new_key_with_what_is_left()
    {
        await using var server = new ScriptedHttpServer(_ => Task.FromResult<string?>(ScriptedHttpServer.Http(200, Issued)));
        CredentialRequest request = Request(new() { ["cost.budget"] = ["USD:5"] }) with { RemainingBudget = new Dictionary<string, decimal> { ["USD"] = 0.5m } };

        IssuedCredential issued = await Provisioner(server.Address).RotateAsync(request, Outstanding("sk-old"), default);

        issued.Value.Should().Be("sk-secret-1");
        server.Requests.Single().Line.Should().Contain("/key/generate ");
        server.Requests.Single().Body.GetProperty("max_budget").GetDecimal().Should().Be(0.5m);
    }

    [Theory]
    [InlineData(200, """{"deleted_keys":["sk-old"]}""")]
    [InlineData(200, "{}")]
    [InlineData(204, "")]
    [InlineData(404, """{"error":"not found"}""")]
    [InlineData(404, "nonsense")]
    public async Task A_key_that_is_deleted_or_gone_is_revoked(int status, string body)
    {
        await using var server = new ScriptedHttpServer(_ => Task.FromResult<string?>(ScriptedHttpServer.Http(status, body)));

        await Provisioner(server.Address).RevokeAsync(Outstanding("sk-old"), default);

        server.Requests.Single().Line.Should().StartWith("POST /llm/key/delete ");
        server.Requests.Single().Body.GetRawText().Should().Be("""{"keys":["sk-old"]}""");
    }

    [Theory]
    [InlineData(500, "{}")]
    [InlineData(401, "{}")]
    [InlineData(200, "<html>sk-old</html>")]
    [InlineData(200, "[]")]
    [InlineData(302, "")]
    public async Task A_delete_that_is_not_confirmed_has_failed(int status, string body)
    {
        await using var server = new ScriptedHttpServer(_ => Task.FromResult<string?>(ScriptedHttpServer.Http(status, body)));

        (await RefusedAsync(() => Provisioner(server.Address).RevokeAsync(Outstanding("sk-old"), default).AsTask(), ErrorCode.InternalError)).ToString().Should().NotContain("sk-old");
    }

    [Theory]
    [InlineData(500, """{"error":"sk-secret sk-master"}""")]
    [InlineData(401, "sk-master is not valid")]
    [InlineData(429, "too many requests, sk-secret")]
    [InlineData(200, "sk-secret is no JSON")]
    [InlineData(200, "{}")]
    [InlineData(200, """{"key":null}""")]
    [InlineData(200, """{"key":" "}""")]
    [InlineData(200, """{"key":{"sk-secret":1}}""")]
    [InlineData(200, "[]")]
    [InlineData(200, "null")]
    [InlineData(200, "")]
    public async Task A_nonsense_answer_is_an_error_that_quotes_nothing(int status, string body)
    {
        await using var server = new ScriptedHttpServer(_ => Task.FromResult<string?>(ScriptedHttpServer.Http(status, body)));

        ArcpException failure = await RefusedAsync(() => Provisioner(server.Address).IssueAsync(Request([]), default).AsTask(), ErrorCode.InternalError);

        failure.ToString().Should().NotContain("sk-");
    }

    [Theory]
    [InlineData(400, """{"error":{"message":"ExceededBudget: team","type":"budget_exceeded"}}""")]
    [InlineData(402, """{"error":{"type":"budget_exceeded"}}""")]
    [InlineData(429, "ExceededTokenBudget: Budget has been exceeded! sk-secret")]
    public async Task A_budget_that_is_spent_is_said_so(int status, string body)
    {
        await using var server = new ScriptedHttpServer(_ => Task.FromResult<string?>(ScriptedHttpServer.Http(status, body)));

        (await RefusedAsync(() => Provisioner(server.Address).IssueAsync(Request([]), default).AsTask(), ErrorCode.BudgetExhausted)).ToString().Should().NotContain("sk-");
    }

    [Fact]
    public async Task A_huge_answer_is_not_read_to_its_end()
    {
        await using var server = new ScriptedHttpServer(_ => Task.FromResult<string?>($"HTTP/1.1 200 OK\r\nContent-Length: 9000000000\r\n\r\n{new string(' ', 100_000)}"));

        (await RefusedAsync(() => Provisioner(server.Address).IssueAsync(Request([]), default).AsTask(), ErrorCode.InternalError)).Message.Should().Contain("65536");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{")]
    public async Task A_service_that_stalls_or_breaks_off_ends_with_the_call(string? answer)
    {
        await using var server = new ScriptedHttpServer(_ => Task.FromResult(answer));
        using var givenUp = new CancellationTokenSource();
        Task call = Provisioner(server.Address).IssueAsync(Request([]), givenUp.Token).AsTask();
        await CredentialRoom.UntilAsync(() => server.Requests.Count == 1, "the service is asked");

        await givenUp.CancelAsync();

        await call.WaitAsync(CredentialRoom.Patience).Awaiting(each => each).Should().ThrowAsync<Exception>().Where(e => !(e is TimeoutException));
    }

    [Fact]
    public async Task A_service_that_fails_three_times_revokes_at_the_fourth()
    {
        await using var room = new CredentialRoom();
        int deletes = 0;
        await using var server = new ScriptedHttpServer(request => Task.FromResult<string?>(
            request.Line.Contains("generate", StringComparison.Ordinal) ? ScriptedHttpServer.Http(200, Issued)
            : Interlocked.Increment(ref deletes) <= 3 ? ScriptedHttpServer.Http(503, "sk-secret-1") : ScriptedHttpServer.Http(200, "{}")));
        await using var broker = new CredentialBroker(Provisioner(server.Address), room.Store, room.Options, room.Clock, room.Logs);
        JobCredentials credentials = await broker.IssueAsync(Request([])).WaitAsync(CredentialRoom.Patience);

        Task revoked = credentials.RevokeAllAsync();
        for (int failures = 1; failures <= 3; failures++)
        {
            await room.PassBackoffAsync(failures);
        }

        await revoked.WaitAsync(CredentialRoom.Patience);
        deletes.Should().Be(4);
        broker.Outstanding.Should().Be(0);
        room.Logs.Lines.Should().Contain(line => line.Contains("status 503", StringComparison.Ordinal)).And.NotContain(line => line.Contains("sk-", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("ftp://h/", "k", "BaseAddress")]
    [InlineData("/relative", "k", "BaseAddress")]
    [InlineData("http://u:p@h/", "k", "BaseAddress")]
    [InlineData("http://h/?q=1", "k", "BaseAddress")]
    [InlineData("http://h/", " ", "MasterKey")]
    [InlineData("http://h/", "sk-a\r\nX: y", "MasterKey")]
    public void A_wrong_option_is_named_and_no_key_shown(string address, string key, string named)
    {
        var options = new HttpKeyProvisionerOptions { BaseAddress = new Uri(address, UriKind.RelativeOrAbsolute), MasterKey = key };

        FluentActions.Invoking(() => new HttpKeyProvisioner(_http, options)).Should().Throw<ArgumentException>().Which.Message.Should().Contain(named).And.NotContain("sk-");
        new HttpKeyProvisionerOptions { BaseAddress = new Uri("http://h/"), MasterKey = MasterKey }.ToString().Should().NotContain(MasterKey);
    }

    private static async Task<ArcpException> RefusedAsync(Func<Task> call, ErrorCode code)
    {
        ArcpException refusal = (await call.Should().ThrowAsync<ArcpException>()).Which;
        refusal.Code.Should().Be(code);
        return refusal;
    }

    private static OutstandingCredential Outstanding(string value) => new() { Id = new CredentialId("cred_1"), JobId = new JobId("job_1"), Value = value, Endpoint = "http://h/", ProviderKey = "hash-1" };

    private static CredentialRequest Request(Dictionary<string, IReadOnlyList<string>> lease, DateTimeOffset? expiresAt = null) => new()
    {
        JobId = new JobId("job_1"),
        Principal = Principal.Named("alice"),
        Agent = "research@2.1.0",
        Lease = new Lease(lease),
        LeaseConstraints = expiresAt is null ? null : new LeaseConstraints { ExpiresAt = expiresAt },
    };

    private HttpKeyProvisioner Provisioner(Uri address, Func<HttpKeyProvisionerOptions, HttpKeyProvisionerOptions>? configure = null)
    {
        var options = new HttpKeyProvisionerOptions { BaseAddress = address, MasterKey = MasterKey };
        return new HttpKeyProvisioner(_http, configure?.Invoke(options) ?? options, _clock);
    }
}
