using System.Net;
using System.Net.Sockets;
using Arcp.Core.Transports;

namespace Arcp.Client.Tests;

[Trait("§", "4")]
public sealed class WebSocketTests
{
    [Fact]
    public async Task A_uri_that_is_no_websocket_is_refused_as_an_argument()
    {
        Func<Task> connect = () => ArcpClient.ConnectAsync(new Uri("ftp://localhost/arcp"));
        await connect.Should().ThrowAsync<ArgumentException>();
    }

    [Fact]
    public async Task A_port_where_nobody_listens_is_a_connection_error()
    {
        Func<Task> connect = () => ArcpClient.ConnectAsync(new Uri($"ws://127.0.0.1:{FreePort()}/arcp"), new() { Token = "secret" }).Soon();
        (await connect.Should().ThrowAsync<ArcpConnectionException>()).WithInnerException<TransportException>();
    }

    [Fact]
    public async Task A_job_runs_over_a_real_websocket()
    {
        using var listener = new HttpListener();
        int port = FreePort();
        listener.Prefixes.Add($"http://127.0.0.1:{port}/");
        listener.Start();
        bool isConfigured = false;
        Task<ArcpClient> connecting = ArcpClient.ConnectAsync(new Uri($"ws://127.0.0.1:{port}/arcp"), new() { ConfigureWebSocket = _ => isConfigured = true });
        HttpListenerContext context = await listener.GetContextAsync().Soon();
        var socket = (await context.AcceptWebSocketAsync(WebSocketTransport.SubProtocol).Soon()).WebSocket;
        await using var peer = new ScriptedPeer(new WebSocketTransport(socket));
        await peer.ReceiveAsync("session.hello");
        await peer.SendAsync(ScriptedPeer.Welcome);
        ArcpClient client = await connecting.Soon();
        isConfigured.Should().BeTrue();
        JobHandle job = await peer.SubmitAsync(client, "job_1");
        await peer.LogAsync("job_1", "hello");
        await peer.ResultAsync("job_1", "42");
        (await job.Events.ToListAsync().Soon()).Should().ContainSingle();
        (await job.GetResultAsync<int>().Soon()).Should().Be(42);

        Task closing = client.CloseAsync();
        await peer.ReceiveAsync("session.close");
        await peer.SendAsync("session.closed", "\"id\":\"c\"", "{}");
        await peer.CloseAsync();
        await closing.Soon();
    }

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
