using System.Net.WebSockets;
using System.Text;
using Arcp.AspNetCore.Tests.Support;
using Arcp.Core.Transports;
using Arcp.Runtime.Configuration;
using Arcp.Runtime.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace Arcp.AspNetCore.Tests;

/// <summary>Sessions over real sockets.</summary>
[Trait("Section", "4")]
public sealed class ConnectionTests
{
    private const string Hello = """{"type":"session.hello","payload":{"auth":{"scheme":"bearer","token":"secret-a"}}}""";

    [Fact]
    public async Task A_whole_job_goes_over_the_wire_and_the_close_is_clean()
    {
        await using TestHost app = await TestHost.StartAsync();
        await using WireClient client = await app.OpenAsync();
        WireFrame accepted = await client.SubmitAsync("echo", new { text = "höhe" });
        List<WireFrame> frames = await client.ReadJobAsync(accepted.JobId!);
        frames.Select(frame => frame.EventSeq).Should().Equal(1, 2);
        frames[^1].Payload["result"]!["text"]!.GetValue<string>().Should().Be("höhe");

        await client.SendAsync("session.close");
        await client.ExpectAsync("session.closed");
        await client.ExpectCloseAsync();
        await app.NoConnectionsAsync();
    }

    [Fact]
    public async Task A_fragmented_message_is_one_frame()
    {
        await using TestHost app = await TestHost.StartAsync();
        using CancellationTokenSource patience = Patience.New();
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(app.Endpoint, patience.Token);
        byte[] hello = Encoding.UTF8.GetBytes(Hello);
        for (int i = 0; i < hello.Length; i++)
        {
            await socket.SendAsync(hello.AsMemory(i, 1), WebSocketMessageType.Text, i == hello.Length - 1, patience.Token);
        }

        await using var client = new WireClient(new WebSocketTransport(socket));
        await client.ExpectAsync("session.welcome");
    }

    [Fact]
    public async Task A_binary_message_is_refused_and_the_session_lives_on()
    {
        await using TestHost app = await TestHost.StartAsync();
        using CancellationTokenSource patience = Patience.New();
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(app.Endpoint, patience.Token);
        await using var client = new WireClient(new WebSocketTransport(socket));
        await client.HelloAsync();

        await socket.SendAsync("{}"u8.ToArray(), WebSocketMessageType.Binary, true, patience.Token);
        (await client.ExpectAsync("session.error")).Code.Should().Be("INVALID_REQUEST");
        await client.SubmitAsync("echo");
    }

    [Fact]
    public async Task A_frame_over_the_limit_is_answered_and_then_the_connection_closes()
    {
        await using TestHost app = await TestHost.StartAsync(
            services: builder => builder.Services.Configure<ArcpRuntimeOptions>(options => options.MaxFrameBytes = 64 * 1024));
        await using WireClient client = await app.OpenAsync();
        await client.SendRawAsync($$$"""{"type":"session.ping","payload":{"nonce":"{{{new string('x', 200 * 1024)}}}"}}""");
        (await client.ExpectAsync("session.error")).Code.Should().Be("INVALID_REQUEST");
        await client.ExpectCloseAsync();
        await app.NoConnectionsAsync();
        app.Runtime.GetStatistics().Sessions.Should().Be(1, "the session stays resumable");
    }

    [Fact]
    public async Task Twenty_sessions_work_side_by_side()
    {
        await using TestHost app = await TestHost.StartAsync();
        await Task.WhenAll(Enumerable.Range(0, 20).Select(async i =>
        {
            await using WireClient client = await app.OpenAsync();
            for (int j = 0; j < 5; j++)
            {
                WireFrame accepted = await client.SubmitAsync("echo", new { i, j });
                WireFrame result = (await client.ReadJobAsync(accepted.JobId!))[^1];
                result.Payload["result"]!.ToJsonString().Should().Be($$"""{"i":{{i}},"j":{{j}}}""");
            }
        }));
        await app.NoConnectionsAsync();
    }

    [Fact]
    public async Task A_peer_that_vanishes_leaves_no_connection_and_its_session_stays()
    {
        await using TestHost app = await TestHost.StartAsync();
        WireClient client = await app.OpenAsync();
        await client.DisposeAsync(); // without a close
        await app.NoConnectionsAsync();
        app.Runtime.GetStatistics().Sessions.Should().Be(1);
    }

    [Fact]
    public async Task A_refused_hello_is_answered_before_the_connection_closes()
    {
        await using TestHost app = await TestHost.StartAsync();
        await using WireClient client = await app.ConnectAsync();
        await client.SendAsync("session.hello", new { auth = new { scheme = "bearer", token = "wrong" } });
        (await client.ExpectAsync("session.error")).Code.Should().Be("UNAUTHENTICATED");
        await client.ExpectCloseAsync();
        await app.NoConnectionsAsync();
    }

    [Fact]
    [Trait("Section", "6.2")]
    public async Task A_connection_that_says_nothing_is_told_why_it_ends()
    {
        await using TestHost app = await TestHost.StartAsync(
            services: builder => builder.Services.Configure<ArcpRuntimeOptions>(options => options.HandshakeTimeout = TimeSpan.FromMilliseconds(1)));
        for (int i = 0; i < 50; i++)
        {
            await using WireClient client = await app.ConnectAsync();
            (await client.ExpectAsync("session.error")).Code.Should().Be("UNAUTHENTICATED");
            await client.ExpectCloseAsync();
        }

        await app.NoConnectionsAsync();
    }
}
