using System.IO.Pipes;
using System.Net;
using System.Net.Sockets;

namespace Arcp.Core.Tests.Transports;

/// <summary>Connected byte streams of the kinds that transports meet.</summary>
internal static class Loopback
{
    public static async ValueTask<(NetworkStream First, NetworkStream Second)> ConnectSocketsAsync()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var client = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await client.ConnectAsync(listener.LocalEndpoint);
        Socket server = await listener.AcceptSocketAsync();
        server.NoDelay = true;
        return (new NetworkStream(client, ownsSocket: true), new NetworkStream(server, ownsSocket: true));
    }

    /// <summary>A one-way pipe of the operating system, as standard input and output are.</summary>
    public static (Stream Output, Stream Input) CreatePipe()
    {
        var output = new AnonymousPipeServerStream(PipeDirection.Out);
        return (output, new AnonymousPipeClientStream(PipeDirection.In, output.ClientSafePipeHandle));
    }
}
