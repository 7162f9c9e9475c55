using System.Net.Sockets;
using System.Text;

namespace Arcp.AspNetCore.Tests.Support;

/// <summary>An answer to a request that was written byte by byte, because HTTP clients do not send odd headers.</summary>
public sealed record RawResponse(int Status, string Text)
{
    /// <summary>Sends a WebSocket upgrade for /arcp.</summary>
    public static Task<RawResponse> ToUpgradeAsync(Uri address, string host, IEnumerable<string> headers) => ToAsync(
        address,
        ["GET /arcp HTTP/1.1", $"Host: {host}", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==", .. headers]);

    /// <summary>Sends a request and reads the head of the answer, or all of it when the server closes.</summary>
    public static async Task<RawResponse> ToAsync(Uri address, IEnumerable<string> lines)
    {
        using CancellationTokenSource patience = Patience.New();
        using var client = new TcpClient();
        await client.ConnectAsync(address.DnsSafeHost, address.Port, patience.Token);
        NetworkStream stream = client.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(string.Join("\r\n", lines) + "\r\n\r\n"), patience.Token);

        var text = new StringBuilder();
        byte[] block = new byte[4096];
        while (!text.ToString().Contains("\r\n\r\n", StringComparison.Ordinal))
        {
            int count = await stream.ReadAsync(block, patience.Token);
            if (count == 0)
            {
                break;
            }

            text.Append(Encoding.Latin1.GetString(block, 0, count));
        }

        return new RawResponse(int.Parse(text.ToString().Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture), text.ToString());
    }
}
