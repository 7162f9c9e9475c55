using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Arcp.Core.Transports;

namespace Arcp.Core.Tests.Transports;

/// <summary>§4: opening a WebSocket, against a server of a few lines that shows what was asked of it.</summary>
public sealed class WebSocketConnectTests : IDisposable
{
    private readonly CancellationTokenSource _timeout = new(TimeSpan.FromSeconds(60), TimeProvider.System);
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public WebSocketConnectTests() => _listener.Start();

    public void Dispose()
    {
        _listener.Dispose();
        _timeout.Dispose();
    }

    [Theory]
    [InlineData("ws")]
    [InlineData("http")]
    public async Task A_client_offers_the_sub_protocol_and_does_not_insist_on_it(string scheme)
    {
        foreach (string answer in new[] { "", "Sec-WebSocket-Protocol: arcp.v1\r\n" })
        {
            Task<(string Request, WebSocketTransport Server)> accepting = AcceptAsync(answer);
            await using WebSocketTransport client = await WebSocketTransport.ConnectAsync(Address(scheme), null, _timeout.Token);
            (string request, WebSocketTransport transport) = await accepting;
            await using WebSocketTransport server = transport;
            request.Should().StartWith("GET /arcp?x=1 HTTP/1.1").And.Contain("Sec-WebSocket-Protocol: arcp.v1");

            await client.WriteAsync("{}"u8.ToArray(), _timeout.Token);
            using var frame = new FrameBuffer(100);
            (await server.ReadAsync(frame, _timeout.Token)).Should().Be(FrameReadStatus.Frame);
            frame.WrittenSpan.ToArray().Should().Equal("{}"u8.ToArray());
        }
    }

    [Fact]
    public async Task Options_can_be_set()
    {
        Task<(string Request, WebSocketTransport Server)> accepting = AcceptAsync("");
        await using WebSocketTransport client = await WebSocketTransport.ConnectAsync(
            Address("ws"), options => options.SetRequestHeader("Authorization", "Bearer t"), _timeout.Token);
        (string request, WebSocketTransport server) = await accepting;
        await server.DisposeAsync();
        request.Should().Contain("Authorization: Bearer t");
    }

    [Fact]
    public async Task A_refusal_says_where_and_why_but_no_secrets()
    {
        Task refusing = AnswerAsync("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
        var address = new UriBuilder(Address("ws")) { UserName = "user", Password = "secret", Query = "token=secret" };
        Func<Task> connect = () => WebSocketTransport.ConnectAsync(address.Uri, null, _timeout.Token);
        TransportException error = (await connect.Should().ThrowAsync<TransportException>()).Which;
        await refusing;
        error.Message.Should().Contain($"127.0.0.1:{Port}/arcp").And.Contain("403").And.NotContain("secret");
    }

    [Fact]
    public async Task Where_nobody_listens_there_is_no_transport()
    {
        _listener.Stop();
        Func<Task> connect = () => WebSocketTransport.ConnectAsync(new Uri($"ws://127.0.0.1:1/arcp"), null, _timeout.Token);
        await connect.Should().ThrowAsync<TransportException>();
    }

    [Fact]
    public async Task An_attempt_can_be_cancelled()
    {
        using var cancellation = new CancellationTokenSource();
        Task connecting = WebSocketTransport.ConnectAsync(Address("ws"), null, cancellation.Token);
        using TcpClient silent = await _listener.AcceptTcpClientAsync(_timeout.Token);
        await cancellation.CancelAsync();
        Func<Task> end = () => connecting.WaitAsync(_timeout.Token);
        await end.Should().ThrowAsync<OperationCanceledException>();
        _timeout.IsCancellationRequested.Should().BeFalse();
    }

    [Theory]
    [InlineData("ftp://localhost/arcp")]
    [InlineData("/arcp")]
    public async Task Other_addresses_are_refused(string uri)
    {
        Func<Task> connect = () => WebSocketTransport.ConnectAsync(new Uri(uri, UriKind.RelativeOrAbsolute), null, _timeout.Token);
        await connect.Should().ThrowAsync<ArgumentException>();
    }

    [Theory]
    [InlineData("http://example.com/arcp", "ws://example.com/arcp")]
    [InlineData("https://example.com/arcp", "wss://example.com/arcp")]
    [InlineData("https://example.com:8443/a?b=c", "wss://example.com:8443/a?b=c")]
    [InlineData("http://example.com:443/", "ws://example.com:443/")]
    [InlineData("wss://example.com/arcp", "wss://example.com/arcp")]
    [InlineData("http://[::1]:5000/arcp", "ws://[::1]:5000/arcp")]
    public void Web_addresses_become_those_of_the_WebSocket_scheme(string uri, string expected) =>
        WebSocketTransport.ToWebSocketUri(new Uri(uri)).AbsoluteUri.Should().Be(expected);

    private int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    private Uri Address(string scheme) => new($"{scheme}://127.0.0.1:{Port}/arcp?x=1");

    private async Task<(string Request, WebSocketTransport Server)> AcceptAsync(string header)
    {
        Socket socket = await _listener.AcceptSocketAsync(_timeout.Token);
        var stream = new NetworkStream(socket, ownsSocket: true);
        string request = await ReadRequestAsync(stream);
        string key = request.Split("Sec-WebSocket-Key: ")[1].Split("\r\n")[0];
#pragma warning disable CA5350 // RFC 6455 asks for SHA-1.
        string accept = Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
#pragma warning restore CA5350
        string answer = $"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n{header}\r\n";
        await stream.WriteAsync(Encoding.ASCII.GetBytes(answer), _timeout.Token);
        return (request, new WebSocketTransport(WebSocket.CreateFromStream(stream, new WebSocketCreationOptions { IsServer = true })));
    }

    private async Task AnswerAsync(string answer)
    {
        using Socket socket = await _listener.AcceptSocketAsync(_timeout.Token);
        await using var stream = new NetworkStream(socket);
        await ReadRequestAsync(stream);
        await stream.WriteAsync(Encoding.ASCII.GetBytes(answer), _timeout.Token);
    }

    private async Task<string> ReadRequestAsync(NetworkStream stream)
    {
        var request = new StringBuilder();
        byte[] one = new byte[1];
        while (!request.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            await stream.ReadExactlyAsync(one, _timeout.Token);
            request.Append((char)one[0]);
        }

        return request.ToString();
    }
}
