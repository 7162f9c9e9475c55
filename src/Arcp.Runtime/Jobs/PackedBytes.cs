using System.Text;
using Arcp.Core.Transports;

namespace Arcp.Runtime.Jobs;

/// <summary>Writes numbers and texts in as few bytes as they need.</summary>
internal static class PackedWriter
{
    private const int LongestNumber = 9;

    /// <summary>Writes a number, seven bits in each byte, the lowest first.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="value">The number; at least 0.</param>
    public static void WriteNumber(this FrameBuffer output, long value)
    {
        Span<byte> span = output.GetSpan(LongestNumber);
        int length = 0;
        for (; value > 0x7F; value >>= 7)
        {
            span[length++] = (byte)(value | 0x80);
        }

        span[length++] = (byte)value;
        output.Advance(length);
    }

    /// <summary>Writes a text.</summary>
    public static void WriteText(this FrameBuffer output, string text)
    {
        int length = Encoding.UTF8.GetByteCount(text);
        output.WriteNumber(length);
        output.Advance(Encoding.UTF8.GetBytes(text, output.GetSpan(length)));
    }
}

/// <summary>Reads what <see cref="PackedWriter"/> wrote.</summary>
/// <param name="block">Where it stands.</param>
/// <param name="position">Where it begins there.</param>
internal ref struct PackedReader(byte[] block, int position)
{
    public readonly byte[] Block => block;

    /// <summary>Where what is read next begins.</summary>
    public int Position { get; private set; } = position;

    public long ReadNumber()
    {
        long value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte next = block[Position++];
            value |= (long)(next & 0x7F) << shift;
            if (next <= 0x7F)
            {
                return value;
            }
        }
    }

    public string ReadText() => Encoding.UTF8.GetString(ReadBytes());

    /// <summary>Reads a text as its bytes in UTF-8.</summary>
    public ReadOnlySpan<byte> ReadBytes()
    {
        int length = (int)ReadNumber();
        Position += length;
        return block.AsSpan(Position - length, length);
    }
}
