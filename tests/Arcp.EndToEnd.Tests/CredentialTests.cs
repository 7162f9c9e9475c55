using System.Text.Json;
using Arcp.EndToEnd.Tests.Support;
using Arcp.Runtime.Tests.Support;

namespace Arcp.EndToEnd.Tests;

/// <summary>The Playground process with <c>--credentials</c>: what is lent is seen on the wire, and what is taken back on <c>/debug/credentials</c>.</summary>
[Trait("Section", "9.8")]
public sealed class CredentialTests : IAsyncLifetime
{
    private readonly List<string> _values = [];
    private PlaygroundProcess _playground = null!;
    private WireClient _client = null!;

    public async Task InitializeAsync()
    {
        _playground = await PlaygroundProcess.StartAsync("--credentials", "--anonymous");
        _client = await _playground.ConnectAsync();
        await _client.HelloAsync("test-token", Jobs.AllFeatures);
    }

    public async Task DisposeAsync()
    {
        await _client.DisposeAsync();
        await _playground.DisposeAsync();
        _values.Should().OnlyHaveUniqueItems();
        _values.Should().NotContain(value => _playground.Errors.Contains(value));
    }

    [Fact]
    public async Task Whatever_ends_a_job_its_credential_is_revoked_when_the_end_is_seen()
    {
        await EndsAsync("success", new { agent = "echo" });
        await EndsAsync("error", new { agent = "failer" });
        await EndsAsync("timed_out", new { agent = "sleeper", input = new { ms = 3_600_000 }, max_runtime_sec = 0.05 });
        await EndsAsync("error", new
        {
            agent = "sleeper",
            input = new { ms = 3_600_000 },
            lease_constraints = new { expires_at = $"{TimeProvider.System.GetUtcNow().AddMilliseconds(700).UtcDateTime:yyyy-MM-ddTHH:mm:ss.fffZ}" },
        });

        await _client.SendAsync("job.submit", new { agent = "stubborn", input = new { ms = 3_600_000 } });
        WireFrame accepted = await _client.ExpectAsync("job.accepted");
        CredentialOf(accepted);
        Count live = (await ListAsync()).Single(count => count.JobId == accepted.JobId);
        (live.Revoked, live.IssuedValues, live.RevokedValues).Should().Be((false, 1, 0));
        await _client.SendAsync("job.cancel", new { job_id = accepted.JobId });
        (await _client.ReadJobAsync(accepted.JobId!)).Last().FinalStatus.Should().Be("cancelled");
        (await ListAsync()).Should().HaveCount(5).And.OnlyContain(count => count.Revoked && count.IssuedValues == 1 && count.RevokedValues == 1);
    }

    [Fact]
    public async Task Rotator_gets_new_values_and_each_is_revoked_once()
    {
        var lease = new Dictionary<string, string[]> { ["model.use"] = ["small-*"], ["cost.budget"] = ["USD:2"], ["fs.read"] = ["/a"] };
        (WireFrame accepted, List<WireFrame> frames) = await Jobs.RunUnderAsync(_client, new { agent = "rotator", input = new { times = 3 }, lease_request = lease });
        string id = CredentialOf(accepted);
        accepted.Payload["credentials"]![0]!["constraints"]!.ToJsonString().Should().Be("""{"model.use":["small-*"],"cost.budget":["USD:2"]}""");
        Jobs.ResultOf(frames).Should().Be("""{"rotated":3}""");
        List<WireFrame> rotations = [.. frames.Where(frame => frame.Kind == "status" && (string?)frame.Body["phase"] == "credential_rotated")];
        rotations.Should().HaveCount(3).And.OnlyContain(frame => (string?)frame.Body["id"] == id && (string?)frame.Body["credential_id"] == id);
        _values.AddRange(rotations.Select(frame => (string)frame.Body["value"]!));

        Count count = (await ListAsync()).Should().ContainSingle().Subject;
        count.Should().Be(new Count(id, accepted.JobId!, true, 4, 4));
    }

    [Fact]
    [Trait("Section", "10")]
    public async Task A_child_has_a_credential_of_its_own_and_loses_it()
    {
        (WireFrame accepted, List<WireFrame> frames) = await Jobs.RunUnderAsync(_client, new
        {
            agent = "delegator",
            input = new { agent = "rotator" },
            lease_request = new Dictionary<string, string[]> { ["agent.delegate"] = ["rotator"] },
        });
        string child = (string)frames.Single(frame => frame.Kind == "delegate").Body["child_job_id"]!;
        List<Count> counts = await ListAsync();
        counts.Should().HaveCount(2).And.Contain(new Count(CredentialOf(accepted), accepted.JobId!, true, 1, 1));
        counts.Single(count => count.JobId == child).Should().Match<Count>(count => count.Revoked && count.IssuedValues == 2 && count.RevokedValues == 2);
    }

    [Fact]
    public async Task Nobody_gets_any_who_has_not_asked_or_is_anonymous_or_runs_without_the_flag()
    {
        await using WireClient modest = await _playground.ConnectAsync();
        await modest.HelloAsync("test-token");
        (await modest.SubmitAsync("echo")).Payload.ContainsKey("credentials").Should().BeFalse();
        await using WireClient anonymous = await _playground.ConnectAsync();
        WireFrame welcome = await anonymous.HelloAsync(new { auth = new { scheme = "anonymous" }, capabilities = new { features = Jobs.AllFeatures } });
        Features(welcome).Should().NotContain("provisioned_credentials");
        (await anonymous.SubmitAsync("echo")).Payload.ContainsKey("credentials").Should().BeFalse();
        (await ListAsync()).Should().BeEmpty();

        await using PlaygroundProcess without = await PlaygroundProcess.StartAsync();
        await using WireClient client = await without.ConnectAsync();
        Features(await client.HelloAsync("test-token", Jobs.AllFeatures)).Should().NotContain("provisioned_credentials").And.Contain("model.use");
        (await client.SubmitAsync("echo")).Payload.ContainsKey("credentials").Should().BeFalse();
        using HttpClient http = without.OpenHttp();
        (await http.GetStringAsync(new Uri("debug/credentials", UriKind.Relative))).Should().Be("""{"credentials":[]}""");
    }

    private static IEnumerable<string> Features(WireFrame welcome) => welcome.Payload["capabilities"]!["features"]!.AsArray().Select(feature => (string)feature!);

    private async Task EndsAsync(string status, object submit)
    {
        (WireFrame accepted, List<WireFrame> frames) = await Jobs.RunUnderAsync(_client, submit);
        string id = CredentialOf(accepted);
        (frames[^1].FinalStatus ?? "success").Should().Be(status);
        (await ListAsync()).Should().ContainSingle(count => count.Id == id).Which.Should().Be(new Count(id, accepted.JobId!, true, 1, 1));
    }

    // The one credential of a job; its value is remembered.
    private string CredentialOf(WireFrame accepted)
    {
        var credential = accepted.Payload["credentials"]!.AsArray().Should().ContainSingle().Subject!.AsObject();
        ((string?)credential["scheme"]).Should().Be("bearer");
        string value = (string)credential["value"]!;
        value.Should().HaveLength(64);
        _values.Add(value);
        return (string)credential["id"]!;
    }

    private async Task<List<Count>> ListAsync()
    {
        using HttpClient http = _playground.OpenHttp();
        string text = await http.GetStringAsync(new Uri("debug/credentials", UriKind.Relative));
        _values.Should().NotContain(value => text.Contains(value), "it tells counts, never values");
        using var json = JsonDocument.Parse(text);
        return [.. json.RootElement.GetProperty("credentials").EnumerateArray().Select(each =>
        {
            each.EnumerateObject().Select(member => member.Name).Should().BeEquivalentTo("id", "job_id", "revoked", "issued_values", "revoked_values");
            return new Count(
                each.GetProperty("id").GetString()!,
                each.GetProperty("job_id").GetString()!,
                each.GetProperty("revoked").GetBoolean(),
                each.GetProperty("issued_values").GetInt32(),
                each.GetProperty("revoked_values").GetInt32());
        })];
    }

    private sealed record Count(string Id, string JobId, bool Revoked, int IssuedValues, int RevokedValues);
}
