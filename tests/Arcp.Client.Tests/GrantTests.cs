using System.Text.Json;
using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Leases;
using Arcp.Core.Messages;
using static Arcp.Client.Tests.ReconnectTests;

namespace Arcp.Client.Tests;

/// <summary>What a job is lent and may spend, as its handle tells it; and what is checked before a submit is sent.</summary>
public sealed class GrantTests
{
    private const string Accepted = """
        {"job_id":"job_1","agent":"echo","budget":{"USD":5.00,"EUR":1},
        "credentials":[{"id":"cred_1","scheme":"bearer","value":"secret-1","endpoint":"https://a"},{"id":"cred_2","scheme":"bearer","value":"secret-2"}]}
        """;

    [Theory]
    [InlineData("id", "value")]
    [InlineData("credential_id", "credential_value")]
    [Trait("§", "9.8")]
    public async Task A_rotated_credential_has_its_new_value_on_the_handle(string id, string value)
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        JobHandle job = await SubmitAsync(client, peer);
        job.Credentials.Select(credential => credential.Value).Should().Equal("secret-1", "secret-2");
        IReadOnlyList<ProvisionedCredential> before = job.Credentials;

        await peer.EventAsync("job_1", "status", $$"""{"phase":"credential_rotated","{{id}}":"cred_1"}"""); // as others see it
        await peer.EventAsync("job_1", "status", $$"""{"phase":"credential_rotated","{{id}}":"cred_9","{{value}}":"of another"}""");
        await SyncAsync(peer);
        job.Credentials.Should().Equal(before);

        await peer.EventAsync("job_1", "status", $$"""{"phase":"credential_rotated","{{id}}":"cred_1","{{value}}":"secret-3"}""");
        await SyncAsync(peer);
        job.Credentials.Select(credential => (credential.Value, credential.Endpoint)).Should().Equal(("secret-3", "https://a"), ("secret-2", null));
        before[0].Value.Should().Be("secret-1", "who holds a list holds what was");
        await peer.ResultAsync("job_1", "1");
        List<JobEvent> events = await job.Events.ToListAsync().Soon();
        string shown = string.Join(' ', [job, .. job.Credentials, .. events, .. events.Select(entry => (object)entry.Body)]);
        shown.Should().NotContain("secret").And.NotContain("of another");
        await EndAsync(client, peer);
    }

    [Fact]
    [Trait("§", "9.6")]
    public async Task The_remaining_budget_follows_the_metrics_of_that_name()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        JobHandle job = await SubmitAsync(client, peer);
        job.RemainingBudget.Should().Equal(new Dictionary<string, decimal> { ["USD"] = 5, ["EUR"] = 1 });
        await peer.EventAsync("job_1", "metric", """{"name":"cost.inference","value":7.5,"unit":"USD"}""");
        await peer.EventAsync("job_1", "metric", """{"name":"cost.budget.remaining","value":9}""");
        await peer.EventAsync("job_1", "metric", """{"name":"cost.budget.remaining","value":-2.50,"unit":"USD"}""");
        await SyncAsync(peer);
        job.RemainingBudget.Should().Equal(new Dictionary<string, decimal> { ["USD"] = -2.50m, ["EUR"] = 1 });
        job.Budget!["USD"].Should().Be(5, "that is what it began with");
        await EndAsync(client, peer);
    }

    [Fact]
    [Trait("§", "7.6")]
    public async Task History_does_not_bring_back_what_was_before_the_subscription()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        Task<Subscription> subscribing = client.SubscribeAsync(new JobId("job_1"), new() { History = true });
        JsonElement frame = await peer.ReceiveAsync("job.subscribe");
        await RemainingAsync(peer, 4); // history may come first
        await peer.SendAsync("job.subscribed", $"\"request_id\":\"{frame.Id()}\"", """
            {"job_id":"job_1","subscribed_from":3,"replayed":true,"budget":{"USD":2},"credentials":[{"id":"cred_1","value":"new"}]}
            """);
        Subscription job = await subscribing.Soon();
        await RemainingAsync(peer, 3);
        await peer.EventAsync("job_1", "status", """{"phase":"credential_rotated","id":"cred_1","value":"old"}""");
        await SyncAsync(peer);
        job.RemainingBudget!["USD"].Should().Be(2);
        job.Credentials.Single().Value.Should().Be("new");
        await RemainingAsync(peer, 1);
        await SyncAsync(peer);
        job.RemainingBudget!["USD"].Should().Be(1);
        await EndAsync(client, peer);
    }

    [Fact]
    [Trait("§", "9.8")]
    public async Task A_handle_that_goes_on_in_a_new_session_has_what_holds_there()
    {
        var network = new ScriptedNetwork();
        (ArcpClient client, ScriptedPeer peer) = await network.ConnectAsync();
        JobHandle job = await SubmitAsync(client, peer);
        await peer.DisposeAsync();
        await network.RefuseAsync("RESUME_WINDOW_EXPIRED");
        peer = await network.WelcomeAsync("sess_2", "t2");
        JsonElement frame = await peer.ReceiveAsync("job.subscribe");
        await peer.SendAsync("job.subscribed", $"\"request_id\":\"{frame.Id()}\"", """
            {"job_id":"job_1","subscribed_from":2,"replayed":true,"budget":{"USD":0.5},"credentials":[{"id":"cred_1","value":"rotated meanwhile"}]}
            """);
        await Bounded.UntilAsync(() => client.State.Status == ConnectionStatus.Connected);
        job.RemainingBudget.Should().Equal(new Dictionary<string, decimal> { ["USD"] = 0.5m });
        job.Credentials.Single().Value.Should().Be("rotated meanwhile");
        await EndAsync(client, peer);
    }

    [Theory]
    [InlineData("fs.reed", "/a")]
    [InlineData("fs.read", "")]
    [InlineData("cost.budget", "USD:-1")]
    [Trait("§", "9")]
    public async Task A_lease_that_breaks_the_grammar_is_named_and_not_sent(string name, string pattern)
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        var options = new SubmitOptions { Lease = new Lease([new(name, [pattern])]) };
        (await Throws<ArgumentException>(() => client.SubmitAsync("echo", options: options))).Message.Should().Contain(pattern is "" or "/a" ? name : pattern);
        await SyncAsync(peer); // the pong is the next frame
        await EndAsync(client, peer);
    }

    [Theory]
    [InlineData("cost.budget")]
    [InlineData("model.use")]
    [InlineData("lease_expires_at")]
    [Trait("§", "6.2")]
    public async Task What_needs_a_feature_that_is_not_negotiated_is_not_sent(string feature)
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync(welcome: ScriptedPeer.Welcome.Replace($"\"{feature}\"", "\"x\"", StringComparison.Ordinal));
        SubmitOptions options = feature switch
        {
            "cost.budget" => new() { Lease = new Lease([new(feature, ["USD:1"])]) },
            "model.use" => new() { Lease = new Lease([new(feature, ["gpt-*"])]) },
            _ => new() { LeaseConstraints = new() { ExpiresAt = DateTimeOffset.UnixEpoch } },
        };
        ArcpException error = await Throws<ArcpException>(() => client.SubmitAsync("echo", options: options));
        error.Code.Should().Be(ErrorCode.InvalidRequest);
        error.Message.Should().Contain(feature);
        await SyncAsync(peer);
        JobHandle job = await peer.SubmitAsync(client, "job_1", new() { Lease = new Lease([new("fs.read", ["/a"])]) });
        job.Id.Value.Should().Be("job_1");
        await EndAsync(client, peer);
    }

    private static async Task<JobHandle> SubmitAsync(ArcpClient client, ScriptedPeer peer)
    {
        Task<JobHandle> submitting = client.SubmitAsync("echo");
        JsonElement submit = await peer.ReceiveAsync("job.submit");
        await peer.SendAsync("job.accepted", $"\"request_id\":\"{submit.Id()}\"", Accepted);
        return await submitting.Soon();
    }

    private static Task RemainingAsync(ScriptedPeer peer, int value) =>
        peer.EventAsync("job_1", "metric", $$"""{"name":"cost.budget.remaining","value":{{value}},"unit":"USD"}""");

    private static async Task SyncAsync(ScriptedPeer peer)
    {
        await peer.SendAsync("session.ping", "\"id\":\"p\"", """{"nonce":"n"}""");
        await peer.ReceiveAsync("session.pong");
    }
}
