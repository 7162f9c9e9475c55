using System.Text.Json;
using Arcp.Core;
using static Arcp.Client.Tests.ReconnectTests;

namespace Arcp.Client.Tests;

/// <summary>Tokens that change while a client lives.</summary>
[Trait("§", "6.1")]
public sealed class TokenProviderTests
{
    private const string Expired = """{"code":"UNAUTHENTICATED","message":"token expired"}""";

    private readonly ScriptedNetwork _network = new();
    private int _asked;

    [Fact]
    public async Task Each_attempt_to_connect_says_hello_with_a_token_of_its_own()
    {
        (ArcpClient client, ScriptedPeer peer) = await ConnectAsync(() => $"token {_asked}");
        peer = await _network.ReconnectAsync(peer, "sess_1", "t2", hello => TokenOf(hello).Should().Be("token 2"));
        peer = await _network.ReconnectAsync(peer, "sess_1", "t3", hello => TokenOf(hello).Should().Be("token 3"));
        await EndAsync(client, peer);
    }

    [Fact]
    public async Task A_session_that_ends_because_its_token_has_run_out_is_resumed_with_the_next_one()
    {
        (ArcpClient client, ScriptedPeer peer) = await ConnectAsync(() => $"token {_asked}");
        JobHandle job = await peer.SubmitAsync(client, "job_1");
        await peer.SendAsync("session.error", "\"id\":\"e\"", Expired);
        peer = await _network.WelcomeAsync("sess_1", "t2", hello => (TokenOf(hello), hello.GetProperty("resume_token").GetString()).Should().Be(("token 2", "t1")));
        await peer.ResultAsync("job_1", "1");
        (await job.GetResultAsync<int>().Soon()).Should().Be(1);
        await EndAsync(client, peer);
    }

    [Fact]
    public async Task A_token_that_is_refused_is_not_tried_again()
    {
        (ArcpClient client, ScriptedPeer peer) = await ConnectAsync(() => "token");
        await peer.DisposeAsync();
        await _network.RefuseAsync("UNAUTHENTICATED");
        (await client.States.LastAsync().AsTask().Soon()).Cause.Should().BeOfType<ArcpException>().Which.Code.Should().Be(ErrorCode.Unauthenticated);
        _network.Dials.Should().Be(2);
        await client.DisposeAsync().Soon();
    }

    [Fact]
    public async Task A_provider_that_fails_is_asked_again_after_the_back_off()
    {
        (ArcpClient client, ScriptedPeer peer) = await ConnectAsync(() => _asked switch
        {
            2 => throw new ArgumentException("vault is sealed"),
            3 => throw new ArcpException(ErrorCode.Unauthenticated, "vault does not know us"),
            4 => " ",
            5 => throw new OperationCanceledException("vault is slow"),
            _ => $"token {_asked}",
        });
        peer = await _network.ReconnectAsync(peer, "sess_1", "t2", hello => TokenOf(hello).Should().Be("token 6"));
        _network.Dials.Should().Be(2, "nothing is opened for nobody");
        await EndAsync(client, peer);
    }

    [Fact]
    public async Task A_provider_that_fails_at_first_fails_the_connect()
    {
        var broken = new InvalidOperationException("no vault");
        (await Throws<ArcpConnectionException>(() => ArcpClient.ConnectAsync(_network.DialAsync, OptionsWith(() => throw broken)).Soon())).InnerException.Should().BeSameAs(broken);
        (await Throws<ArcpConnectionException>(() => ArcpClient.ConnectAsync(_network.DialAsync, OptionsWith(() => "")).Soon())).Message.Should().Contain("no token");
        _network.Dials.Should().Be(0);
    }

    [Fact]
    public async Task A_provider_that_never_answers_is_given_up_with_the_handshake()
    {
        var clock = new ManualClock();
        var never = new TaskCompletionSource<string>();
        ArcpClientOptions options = new() { TimeProvider = clock, HandshakeTimeout = TimeSpan.FromSeconds(7), TokenProvider = _ => new(never.Task) };
        Task<ArcpClient> connecting = ArcpClient.ConnectAsync(_network.DialAsync, options);
        clock.Advance(TimeSpan.FromSeconds(6.9));
        connecting.IsCompleted.Should().BeFalse();
        clock.Advance(TimeSpan.FromSeconds(0.2));
        (await Throws<ArcpConnectionException>(() => connecting.Soon())).Message.Should().Contain("00:00:07");
    }

    [Fact]
    [Trait("§", "7.2")]
    public async Task Keys_mean_the_same_in_the_next_session()
    {
        (ArcpClient client, ScriptedPeer peer) = await ConnectAsync(() => "token");
        Task<JobHandle> keyed = client.SubmitAsync("keyed", options: new() { IdempotencyKey = "k" });
        await peer.ReceiveAsync("job.submit");
        peer = await _network.ReconnectAsync(peer, "sess_2", "u1");
        await peer.AcceptAsync(await peer.ReceiveAsync("job.submit"), "job_k");
        await SubscribedAsync(peer, await peer.ReceiveAsync("job.subscribe"), 0, replayed: false);
        (await keyed.Soon()).Id.Value.Should().Be("job_k");
        await EndAsync(client, peer);
    }

    private static string? TokenOf(JsonElement hello) => hello.GetProperty("auth").GetProperty("token").GetString();

    private async Task<(ArcpClient Client, ScriptedPeer Peer)> ConnectAsync(Func<string> token) => await _network.ConnectAsync(OptionsWith(token));

    private ArcpClientOptions OptionsWith(Func<string> token)
    {
        ArcpClientOptions options = ScriptedNetwork.Options();
        options.Token = null;
        options.TokenProvider = _ =>
        {
            _asked++;
            return ValueTask.FromResult(token());
        };
        return options;
    }
}
