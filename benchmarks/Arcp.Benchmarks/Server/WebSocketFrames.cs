using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Arcp.Benchmarks.Server;

/// <summary>WebSocket frames by hand (RFC 6455 §5.2), for baselines that write many at once.</summary>
internal static class WebSocketFrames
{
    public const int LongestHeader = 10;

    /// <summary>Writes the header of an unmasked text message.</summary>
    /// <returns>The header's length.</returns>
    public static int WriteHeader(Span<byte> destination, int payloadLength)
    {
        destination[0] = 0x81;
        switch (payloadLength)
        {
            case < 126:
                destination[1] = (byte)payloadLength;
                return 2;
            case <= ushort.MaxValue:
                destination[1] = 126;
                BinaryPrimitives.WriteUInt16BigEndian(destination[2..], (ushort)payloadLength);
                return 4;
            default:
                destination[1] = 127;
                BinaryPrimitives.WriteInt64BigEndian(destination[2..], payloadLength);
                return LongestHeader;
        }
    }

    /// <summary>Text messages of the given sizes, one after the other.</summary>
    public static byte[] Build(params IEnumerable<int> sizes)
    {
        using var bytes = new MemoryStream();
        Span<byte> header = stackalloc byte[LongestHeader];
        foreach (int size in sizes)
        {
            bytes.Write(header[..WriteHeader(header, size)]);
            bytes.Write(Payload(size));
        }

        return bytes.ToArray();
    }

    /// <summary>A payload of the given size.</summary>
    public static byte[] Payload(int size)
    {
        byte[] payload = new byte[size];
        Array.Fill(payload, (byte)'x');
        return payload;
    }

    /// <summary>The answer to a client's key (RFC 6455 §4.2.2).</summary>
    public static string Accept(string key) =>
#pragma warning disable CA5350 // The hash is the protocol's choice and protects nothing.
        Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
#pragma warning restore CA5350
}
