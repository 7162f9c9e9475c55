using System.Buffers.Binary;

namespace Arcp.Core.Transports;

/// <summary>Text messages of a server: each one WebSocket frame, without a mask and without compression (RFC 6455 §5.2).</summary>
internal sealed class ServerMessageLayout : FrameLayout
{
    private const byte LastOfText = 0x81;

    private ServerMessageLayout()
    {
    }

    public static ServerMessageLayout Instance { get; } = new();

    public override int WriteHeader(Span<byte> destination, int frameLength)
    {
        destination[0] = LastOfText;
        switch (frameLength)
        {
            case < 126:
                destination[1] = (byte)frameLength;
                return 2;
            case <= ushort.MaxValue:
                destination[1] = 126;
                BinaryPrimitives.WriteUInt16BigEndian(destination[2..], (ushort)frameLength);
                return 4;
            default:
                destination[1] = 127;
                BinaryPrimitives.WriteInt64BigEndian(destination[2..], frameLength);
                return 10;
        }
    }
}
