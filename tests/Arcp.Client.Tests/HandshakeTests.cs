using System.Text.Json;
using Arcp.Core;
using Arcp.Core.Transports;

namespace Arcp.Client.Tests;

public sealed class HandshakeTests
{
    [Fact]
    [Trait("§", "6.2")]
    public async Task The_hello_names_the_client_its_token_and_its_features()
    {
        (Task<ArcpClient> connecting, ScriptedPeer peer) = ScriptedPeer.Dial(new() { Token = "secret", ClientName = "mine", ClientVersion = "3" });
        JsonElement hello = await peer.ReceiveAsync("session.hello");
        await peer.SendAsync(ScriptedPeer.Welcome);
        await using ArcpClient client = await connecting.Soon();

        hello.GetProperty("arcp").GetString().Should().Be("1.1");
        hello.Id().Should().StartWith("msg_");
        hello.Payload().GetProperty("client").GetRawText().Should().Be("""{"name":"mine","version":"3"}""");
        hello.Payload().GetProperty("auth").GetRawText().Should().Be("""{"scheme":"bearer","token":"secret"}""");
        JsonElement capabilities = hello.Payload().GetProperty("capabilities");
        capabilities.GetProperty("encodings").GetRawText().Should().Be("""["json"]""");
        capabilities.GetProperty("features").EnumerateArray().Select(name => name.GetString())
            .Should().Contain(["heartbeat", "ack", "progress", "result_chunk"]);
        capabilities.TryGetProperty("agents", out _).Should().BeFalse();
        hello.GetRawText().Should().NotContain("null");
        await peer.DisposeAsync();
    }

    [Fact]
    [Trait("§", "6.1")]
    public async Task Without_a_token_the_client_is_anonymous()
    {
        (Task<ArcpClient> connecting, ScriptedPeer peer) = ScriptedPeer.Dial();
        JsonElement hello = await peer.ReceiveAsync("session.hello");
        hello.Payload().GetProperty("auth").GetRawText().Should().Be("""{"scheme":"anonymous"}""");
        await peer.DisposeAsync();
        await Refused<ArcpConnectionException>(connecting);
    }

    [Fact]
    [Trait("§", "6.2")]
    public async Task The_welcome_gives_session_runtime_features_and_agents()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        client.SessionId.Value.Should().Be("sess_1");
        client.Runtime.Name.Should().Be("scripted");
        client.Runtime.Version.Should().Be("9");
        client.Features.Should().HaveFlag(Features.AgentVersions).And.NotHaveFlag(Features.ProvisionedCredentials, "the runtime did not say so");
        client.Agents.Should().ContainSingle().Which.Versions.Should().Equal("1.0.0");
        await peer.DisposeAsync();
        await client.DisposeAsync();
    }

    [Fact]
    [Trait("§", "CL")]
    public async Task A_bare_welcome_with_flat_names_and_agents_as_strings_is_enough()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync(welcome:
            """{"type":"session.welcome","session_id":"s","payload":{"runtime_name":"old","runtime_version":"1","resume_window_sec":null,"capabilities":{"agents":["a","b"],"new":1},"x":{}}}""");
        client.Runtime.Name.Should().Be("old");
        client.Features.Should().Be(Features.None);
        client.Agents.Select(agent => agent.Name).Should().Equal("a", "b");
        await peer.DisposeAsync();
        await client.DisposeAsync();
    }

    [Theory]
    [InlineData("""{"type":"session.error","session_id":"s","payload":{"code":"UNAUTHENTICATED","message":"no","retryable":false}}""", "UNAUTHENTICATED", "no")]
    [InlineData("""{"type":"session.error","payload":{"code":"RESUME_WINDOW_EXPIRED"}}""", "RESUME_WINDOW_EXPIRED", "RESUME_WINDOW_EXPIRED")]
    [InlineData("""{"type":"job.error","payload":{"code":"UNAUTHENTICATED","message":"no","final_status":"error"}}""", "UNAUTHENTICATED", "no")]
    [InlineData("""{"type":"session.error","payload":{"code":"THEIR_OWN","message":"odd"}}""", "THEIR_OWN", "odd")]
    [Trait("§", "CL")]
    public async Task A_refused_handshake_fails_with_the_code(string answer, string code, string message)
    {
        (Task<ArcpClient> connecting, ScriptedPeer peer) = ScriptedPeer.Dial();
        await peer.ReceiveAsync();
        await peer.SendAsync(answer);
        ArcpException error = await Refused<ArcpException>(connecting);
        error.Code.Value.Should().Be(code);
        error.Message.Should().Be(message);
        (await peer.SeesEndAsync()).Should().BeTrue("the transport is disposed");
    }

    [Theory]
    [InlineData("""{"type":"session.closed","payload":{"reason":"full"}}""", "*full*")]
    [InlineData("""{"type":"session.welcome","session_id":"s","payload":{"capabilities":7}}""", "*cannot be read*")]
    [InlineData("""{"type":"session.welcome","payload":{}}""", "*names no session*")]
    [InlineData("not json", "*cannot be read*")]
    [Trait("§", "CL")]
    public async Task An_answer_that_is_no_welcome_fails_clearly(string answer, string message)
    {
        (Task<ArcpClient> connecting, ScriptedPeer peer) = ScriptedPeer.Dial(new() { Token = "secret" });
        await peer.ReceiveAsync();
        await peer.SendAsync(answer);
        ArcpConnectionException error = await Refused<ArcpConnectionException>(connecting);
        error.Message.Should().Match(message);
        error.ToString().Should().NotContain("secret");
        (await peer.SeesEndAsync()).Should().BeTrue("the transport is disposed");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("§", "CL")]
    public async Task A_connection_that_ends_instead_of_a_welcome_fails_clearly(bool inOrder)
    {
        (Task<ArcpClient> connecting, ScriptedPeer peer) = ScriptedPeer.Dial();
        await peer.ReceiveAsync();
        await (inOrder ? peer.CloseAsync() : peer.DisposeAsync().AsTask());
        (await Refused<ArcpConnectionException>(connecting)).Message.Should().NotBeEmpty();
    }

    [Fact]
    [Trait("§", "6.2")]
    public async Task A_silent_runtime_is_given_up_at_the_time_out()
    {
        var clock = new ManualClock();
        (Task<ArcpClient> connecting, ScriptedPeer peer) = ScriptedPeer.Dial(new() { TimeProvider = clock, HandshakeTimeout = TimeSpan.FromSeconds(7) });
        await peer.ReceiveAsync();
        clock.Advance(TimeSpan.FromSeconds(6.9));
        connecting.IsCompleted.Should().BeFalse();
        clock.Advance(TimeSpan.FromSeconds(0.2));
        (await Refused<ArcpConnectionException>(connecting)).Message.Should().Contain("00:00:07");
    }

    [Fact]
    public async Task A_cancelled_connect_ends_as_cancelled()
    {
        using var cancel = new CancellationTokenSource();
        (Task<ArcpClient> connecting, ScriptedPeer peer) = ScriptedPeer.Dial(cancellationToken: cancel.Token);
        await peer.ReceiveAsync();
        await cancel.CancelAsync();
        (await Refused<OperationCanceledException>(connecting)).CancellationToken.Should().Be(cancel.Token);
        (await peer.SeesEndAsync()).Should().BeTrue();
    }

    [Fact]
    public async Task A_transport_that_cannot_be_opened_is_a_connection_error()
    {
        Task<ArcpClient> connecting = ArcpClient.ConnectAsync(_ => throw new TransportException("refused"));
        (await Refused<ArcpConnectionException>(connecting)).InnerException.Should().BeOfType<TransportException>();
    }

    [Fact]
    [Trait("§", "6.4")]
    public async Task Pings_and_unknown_types_before_the_welcome_do_not_disturb()
    {
        (Task<ArcpClient> connecting, ScriptedPeer peer) = ScriptedPeer.Dial();
        await peer.ReceiveAsync();
        await peer.SendAsync("""{"type":"session.news","payload":{}}""");
        await peer.SendAsync("""{"type":"session.ping","payload":{"nonce":"n1"}}""");
        (await peer.ReceiveAsync("session.pong")).Payload().GetProperty("ping_nonce").GetString().Should().Be("n1");
        await peer.SendAsync(ScriptedPeer.Welcome);
        ArcpClient client = await connecting.Soon();
        await peer.DisposeAsync();
        await client.DisposeAsync();
    }

    [Fact]
    public async Task Options_that_cannot_work_are_refused_before_anything_is_opened()
    {
        Action<ArcpClientOptions>[] mistakes =
        [
            options => options.Token = " ",
            options => (options.Token, options.TokenProvider) = ("a", _ => ValueTask.FromResult("b")),
            options => options.HandshakeTimeout = TimeSpan.Zero,
            options => options.RequestTimeout = TimeSpan.FromSeconds(-5),
            options => options.CloseTimeout = TimeSpan.Zero,
            options => options.MaxFrameBytes = 0,
            options => options.MaxResultBytes = -1,
            options => options.OutgoingQueueCapacity = 0,
            options => options.TimeProvider = null!,
        ];
        foreach (Action<ArcpClientOptions> mistake in mistakes)
        {
            var options = new ArcpClientOptions();
            mistake(options);
            Func<Task> connect = () => ArcpClient.ConnectAsync(_ => throw new InvalidOperationException("opened"), options);
            await connect.Should().ThrowAsync<ArgumentException>();
        }
    }

    private static async Task<T> Refused<T>(Task<ArcpClient> connecting)
        where T : Exception => (await FluentActions.Awaiting(() => connecting.Soon()).Should().ThrowAsync<T>()).Which;
}
