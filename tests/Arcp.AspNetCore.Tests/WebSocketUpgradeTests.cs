using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography.X509Certificates;
using Arcp.AspNetCore.Tests.Support;
using Arcp.Core.Transports;
using Arcp.Runtime.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.WebSockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Arcp.AspNetCore.Tests;

/// <summary>§4: which requests become transports that send many frames with one write, and which stay what their server makes of them.</summary>
[Trait("Section", "4")]
public sealed class WebSocketUpgradeTests : IDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection().AddOptions().BuildServiceProvider();
    private readonly BareConnection _connection = new();

    public void Dispose()
    {
        _connection.Dispose();
        _services.Dispose();
    }

    [Fact]
    public async Task Over_an_upgraded_connection_many_frames_are_one_write()
    {
        using CancellationTokenSource patience = Patience.New();
        DefaultHttpContext context = NewContext();
        await using WebSocketTransport transport = await AcceptBelowMiddlewareAsync(context);
        for (int i = 0; i < 100; i++)
        {
            await transport.WriteAsync("{}"u8.ToArray(), patience.Token);
        }

        await transport.FlushAsync(patience.Token);
        _connection.Writes.Should().Equal(400);
    }

    [Theory]
    [InlineData("http")]
    [InlineData("https")]
    public async Task Over_Kestrel_frames_are_put_together_in_the_memory_of_the_connection(string scheme)
    {
        using CancellationTokenSource patience = Patience.New();
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        using X509Certificate2 certificate = TestCertificate.Create();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            if (scheme == "https")
            {
                listen.UseHttps(certificate);
            }
        }));
        await using WebApplication app = builder.Build();
        CountedConnection? connection = null;
        app.UseWebSockets();
        app.Run(async context =>
        {
            connection = new CountedConnection(context.Features.Get<IConnectionTransportFeature>()!.Transport);
            context.Features.Set<IConnectionTransportFeature>(connection);
            await using WebSocketTransport server = await WebSocketUpgrade.AcceptAsync(context, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
            IBufferWriter<byte> output = server.TryBeginFrames()!;
            for (int i = 0; i < 1000; i++)
            {
                output.Write((byte[])[0x81, 126, 1, 0]);
                output.GetSpan(256)[..256].Fill((byte)('a' + (i % 26)));
                output.Advance(256);
            }

            await server.CloseAsync(patience.Token);
        });
        await app.StartAsync(patience.Token);
        Uri address = new(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        await using WebSocketTransport client = await WebSocketTransport.ConnectAsync(
            new UriBuilder(address) { Scheme = scheme }.Uri, options => options.RemoteCertificateValidationCallback = (_, shown, _, _) => shown?.GetCertHashString() == certificate.GetCertHashString(), patience.Token);
        using var frame = new FrameBuffer(1000);
        for (int i = 0; i < 1000; i++)
        {
            (await client.ReadAsync(frame, patience.Token)).Should().Be(FrameReadStatus.Frame);
            frame.WrittenSpan.ToArray().Should().Equal(Enumerable.Repeat((byte)('a' + (i % 26)), 256));
        }

        (await client.ReadAsync(frame, patience.Token)).Should().Be(FrameReadStatus.Closed);
        connection!.Advanced.Should().Be((1000 * (4 + 256)) + 4);
    }

    [Fact]
    public async Task The_handshake_is_answered_as_RFC_6455_shows_it()
    {
        DefaultHttpContext context = NewContext();
        await using WebSocketTransport transport = await AcceptBelowMiddlewareAsync(context);
        context.Response.Headers.SecWebSocketAccept.ToString().Should().Be("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        context.Response.Headers.Connection.ToString().Should().Be("Upgrade");
        context.Response.Headers.Upgrade.ToString().Should().Be("websocket");
        context.Response.Headers.SecWebSocketProtocol.ToString().Should().Be("arcp.v1");
    }

    [Fact]
    public async Task A_server_with_web_sockets_of_its_own_keeps_them()
    {
        DefaultHttpContext context = NewContext();
        var own = new OwnWebSockets();
        context.Features.Set<IHttpWebSocketFeature>(own);
        await using WebSocketTransport transport = await AcceptBelowMiddlewareAsync(context);
        own.Accepted.Should().NotBeNull();
        own.Accepted!.SubProtocol.Should().Be("arcp.v1");
        own.Accepted.KeepAliveInterval.Should().Be(TimeSpan.FromSeconds(7));
        _connection.IsUpgraded.Should().BeFalse();
    }

    [Fact]
    public async Task Over_HTTP_2_a_session_works_as_well()
    {
        await using TestHost app = await TestHost.StartAsync(services: builder =>
            builder.WebHost.ConfigureKestrel(kestrel => kestrel.ConfigureEndpointDefaults(endpoint => endpoint.Protocols = HttpProtocols.Http2)));
        using CancellationTokenSource patience = Patience.New();
        using var http = new HttpMessageInvoker(new SocketsHttpHandler());
        var socket = new ClientWebSocket();
        socket.Options.HttpVersion = HttpVersion.Version20;
        socket.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        socket.Options.AddSubProtocol(WebSocketTransport.SubProtocol);
        await socket.ConnectAsync(app.Endpoint, http, patience.Token);
        socket.SubProtocol.Should().Be(WebSocketTransport.SubProtocol);
        await using var client = new WireClient(new WebSocketTransport(socket));
        await client.HelloAsync();
        WireFrame accepted = await client.SubmitAsync("echo", 1);
        (await client.ReadJobAsync(accepted.JobId!))[^1].Type.Should().Be("job.result");
    }

    private DefaultHttpContext NewContext()
    {
        var context = new DefaultHttpContext { RequestServices = _services };
        context.Request.Protocol = "HTTP/1.1";
        context.Request.Headers.SecWebSocketKey = "dGhlIHNhbXBsZSBub25jZQ==";
        context.Request.Headers.SecWebSocketProtocol = "arcp.v1";
        context.Features.Set<IHttpUpgradeFeature>(_connection);
        return context;
    }

    /// <summary>Accepts where ASP.NET Core's middleware has looked at the request.</summary>
    private static async Task<WebSocketTransport> AcceptBelowMiddlewareAsync(DefaultHttpContext context)
    {
        WebSocketTransport? transport = null;
        var middleware = new WebSocketMiddleware(
            async context => transport = await WebSocketUpgrade.AcceptAsync(context, TimeSpan.FromSeconds(7), Timeout.InfiniteTimeSpan),
            Options.Create(new WebSocketOptions()),
            NullLoggerFactory.Instance);
        await middleware.Invoke(context);
        return transport!;
    }

    private sealed class BareConnection : MemoryStream, IHttpUpgradeFeature
    {
        public bool IsUpgradableRequest => true;

        public bool IsUpgraded { get; private set; }

        public List<int> Writes { get; } = [];

        public Task<Stream> UpgradeAsync()
        {
            IsUpgraded = true;
            return Task.FromResult<Stream>(this);
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Writes.Add(buffer.Length);
            return ValueTask.CompletedTask;
        }
    }

    /// <summary>The connection below HTTP, which counts what is sent.</summary>
    private sealed class CountedConnection(IDuplexPipe inner) : PipeWriter, IConnectionTransportFeature, IDuplexPipe
    {
        public IDuplexPipe Transport { get => this; set => throw new NotSupportedException(); }

        public PipeReader Input => inner.Input;

        public PipeWriter Output => this;

        public int Advanced { get; private set; }

        public override void Advance(int bytes)
        {
            Advanced += bytes;
            inner.Output.Advance(bytes);
        }

        public override Memory<byte> GetMemory(int sizeHint = 0) => inner.Output.GetMemory(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) => inner.Output.GetSpan(sizeHint);

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => inner.Output.FlushAsync(cancellationToken);

        public override void CancelPendingFlush() => inner.Output.CancelPendingFlush();

        public override void Complete(Exception? exception = null) => throw new NotSupportedException();
    }

    private sealed class OwnWebSockets : IHttpWebSocketFeature
    {
        public bool IsWebSocketRequest => true;

        public WebSocketAcceptContext? Accepted { get; private set; }

        public Task<WebSocket> AcceptAsync(WebSocketAcceptContext context)
        {
            Accepted = context;
            return Task.FromResult(WebSocket.CreateFromStream(new MemoryStream(), new WebSocketCreationOptions { IsServer = true }));
        }
    }
}
