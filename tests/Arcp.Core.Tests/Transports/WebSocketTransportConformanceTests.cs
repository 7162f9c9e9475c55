using System.Net.Sockets;
using System.Net.WebSockets;
using Arcp.Conformance;
using Arcp.Core.Transports;

namespace Arcp.Core.Tests.Transports;

public class WebSocketTransportConformanceTests : TransportConformanceTests
{
    protected virtual WebSocketDeflateOptions? Compression => null;

    protected override async ValueTask<(ITransport First, ITransport Second)> ConnectAsync()
    {
        (NetworkStream first, NetworkStream second) = await Loopback.ConnectSocketsAsync();
        return (
            new WebSocketTransport(WebSocket.CreateFromStream(first, new WebSocketCreationOptions { IsServer = false, DangerousDeflateOptions = Compression })),
            new WebSocketTransport(WebSocket.CreateFromStream(second, new WebSocketCreationOptions { IsServer = true, DangerousDeflateOptions = Compression })));
    }
}

public sealed class CompressedWebSocketTransportConformanceTests : WebSocketTransportConformanceTests
{
    protected override WebSocketDeflateOptions Compression { get; } = new();
}

/// <summary>With many frames per write, on both sides.</summary>
public class BatchingWebSocketTransportConformanceTests : TransportConformanceTests
{
    protected override async ValueTask<(ITransport First, ITransport Second)> ConnectAsync()
    {
        (NetworkStream first, NetworkStream second) = await Loopback.ConnectSocketsAsync();
        return (
            WebSocketTransport.OverStream(first, new WebSocketCreationOptions { IsServer = false }),
            WebSocketTransport.OverStream(second, new WebSocketCreationOptions { IsServer = true }));
    }
}

/// <summary>With a server that lays out every second of its frames itself.</summary>
public sealed class LaidOutWebSocketTransportConformanceTests : BatchingWebSocketTransportConformanceTests
{
    protected override async ValueTask<(ITransport First, ITransport Second)> ConnectAsync()
    {
        (ITransport client, ITransport server) = await base.ConnectAsync();
        return (new LaidOutTransport(server), client);
    }
}
