using System.Text;
using Arcp.Core.Transports;

namespace Arcp.Runtime.Jobs;

/// <summary>Writes numbers and texts in as few bytes as they need.</summary>
internal static class PackedWriter
{
    /// <summary>The most bytes that a number takes.</summary>
    public const int LongestNumber = 9;

    /// <summary>Writes a number, seven bits in each byte, the lowest first.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="value">The number; at least 0.</param>
    /// <returns>How many bytes it takes.</returns>
    public static int WriteNumber(Span<byte> output, long value)
    {
        int length = 0;
        for (; value > 0x7F; value >>= 7)
        {
            output[length++] = (byte)(value | 0x80);
        }

        output[length++] = (byte)value;
        return length;
    }

    /// <summary>Writes a number.</summary>
    public static void WriteNumber(this FrameBuffer output, long value) => output.Advance(WriteNumber(output.GetSpan(LongestNumber), value));

    /// <summary>Writes a text.</summary>
    public static void WriteText(this FrameBuffer output, string text)
    {
        int length = Encoding.UTF8.GetByteCount(text);
        output.WriteNumber(length);
        output.Advance(Encoding.UTF8.GetBytes(text, output.GetSpan(length)));
    }
}

/// <summary>Reads what <see cref="PackedWriter"/> wrote.</summary>
/// <param name="bytes">Where it stands.</param>
/// <param name="position">Where it begins there.</param>
internal ref struct PackedReader(ReadOnlySpan<byte> bytes, int position = 0)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;

    /// <summary>Where what is read next begins.</summary>
    public int Position { get; private set; } = position;

    public long ReadNumber()
    {
        long value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte next = _bytes[Position++];
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
        return _bytes.Slice(Position - length, length);
    }
}
