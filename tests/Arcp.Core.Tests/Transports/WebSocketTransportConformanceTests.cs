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
public sealed class BatchingWebSocketTransportConformanceTests : TransportConformanceTests
{
    protected override async ValueTask<(ITransport First, ITransport Second)> ConnectAsync()
    {
        (NetworkStream first, NetworkStream second) = await Loopback.ConnectSocketsAsync();
        return (
            WebSocketTransport.OverStream(first, new WebSocketCreationOptions { IsServer = false }),
            WebSocketTransport.OverStream(second, new WebSocketCreationOptions { IsServer = true }));
    }
}
