using System.Buffers.Binary;
using System.Text;
using Arcp.Core.Transports;

namespace Arcp.Runtime.Tests.Support;

/// <summary>In front of each frame its length, in two bytes and another one.</summary>
public sealed class CountedLayout : FrameLayout
{
    public const int HeaderLength = 3;

    public static List<string> Split(ReadOnlyMemory<byte> block)
    {
        var frames = new List<string>();
        while (!block.IsEmpty)
        {
            int length = BinaryPrimitives.ReadUInt16BigEndian(block.Span);
            block.Span[2].Should().Be((byte)'|');
            frames.Add(Encoding.UTF8.GetString(block.Slice(HeaderLength, length).Span));
            block = block[(HeaderLength + length)..];
        }

        return frames;
    }

    public override int WriteHeader(Span<byte> destination, int frameLength)
    {
        BinaryPrimitives.WriteUInt16BigEndian(destination, (ushort)frameLength);
        destination[2] = (byte)'|';
        return HeaderLength;
    }
}
