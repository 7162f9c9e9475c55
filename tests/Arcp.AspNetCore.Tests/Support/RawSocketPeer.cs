using System.Net.Sockets;
using System.Text;

namespace Arcp.AspNetCore.Tests.Support;

/// <summary>A WebSocket client that reads only when told to: the frames that it is sent pile up on the way.</summary>
public sealed class RawSocketPeer : IDisposable
{
    private readonly TcpClient _client;
    private readonly NetworkStream _stream;

    public RawSocketPeer(Uri address)
    {
        _client = new TcpClient { ReceiveBufferSize = 8 * 1024 };
        _client.Connect(address.DnsSafeHost, address.Port);
        _stream = _client.GetStream();
        _stream.Write("GET /arcp HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n\r\n"u8);
    }

    /// <summary>Sends a text message of less than 64 KiB, masked with zeros.</summary>
    public async Task SendAsync(string text)
    {
        byte[] payload = Encoding.UTF8.GetBytes(text);
        byte[] header = [0x81, 0xFE, (byte)(payload.Length >> 8), (byte)payload.Length, 0, 0, 0, 0];
        using CancellationTokenSource patience = Patience.New();
        await _stream.WriteAsync((byte[])[.. header, .. payload], patience.Token);
    }

    /// <summary>Reads until the connection has ended, in order or not.</summary>
    public async Task<bool> ReadToEndAsync()
    {
        using CancellationTokenSource patience = Patience.New();
        byte[] block = new byte[64 * 1024];
        try
        {
            while (await _stream.ReadAsync(block, patience.Token) > 0)
            {
                // What was still on the way.
            }
        }
        catch (IOException)
        {
            return true;
        }

        return true;
    }

    public void Dispose() => _client.Dispose();
}
