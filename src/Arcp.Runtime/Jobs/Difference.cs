namespace Arcp.Runtime.Jobs;

/// <summary>Writes bytes as what makes them differ from others that are much like them: by turns, how many are the same at the same place, and those that are not.</summary>
/// <remarks>Made for texts of one form and length: what is the same but stands elsewhere is not found.</remarks>
internal static class Difference
{
    /// <summary>Fewer equal bytes than these are not worth the two numbers that they take.</summary>
    private const int ShortestSame = 4;

    /// <summary>The most bytes that a difference may take: each turn but the first saves as many as its numbers have.</summary>
    /// <param name="length">How many bytes it stands for.</param>
    public static int MaxSize(int length) => length + (2 * PackedWriter.LongestNumber);

    /// <summary>Writes a difference.</summary>
    /// <param name="bytes">What it stands for.</param>
    /// <param name="model">What they are like.</param>
    /// <param name="output">Where to; <see cref="MaxSize"/> bytes.</param>
    /// <returns>How many bytes were written.</returns>
    public static int Write(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> model, Span<byte> output)
    {
        int written = 0;
        for (int position = 0; position < bytes.Length;)
        {
            ReadOnlySpan<byte> modelRest = model[Math.Min(position, model.Length)..];
            int same = bytes[position..].CommonPrefixLength(modelRest);
            ReadOnlySpan<byte> rest = bytes[(position + same)..];
            int other = FindSame(rest, modelRest[same..]);
            written += PackedWriter.WriteNumber(output[written..], same);
            written += PackedWriter.WriteNumber(output[written..], other);
            rest[..other].CopyTo(output[written..]);
            written += other;
            position += same + other;
        }

        return written;
    }

    /// <summary>Makes the bytes again that a difference stands for, as many as there is room for.</summary>
    public static void Apply(ReadOnlySpan<byte> difference, ReadOnlySpan<byte> model, Span<byte> destination)
    {
        var reader = new PackedReader(difference);
        for (int position = 0; position < destination.Length;)
        {
            int same = Math.Min((int)reader.ReadNumber(), destination.Length - position);
            model.Slice(position, same).CopyTo(destination[position..]);
            position += same;
            ReadOnlySpan<byte> others = reader.ReadBytes();
            others = others[..Math.Min(others.Length, destination.Length - position)];
            others.CopyTo(destination[position..]);
            position += others.Length;
        }
    }

    // Where enough bytes are the same again; the end when there are none.
    private static int FindSame(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> model)
    {
        int run = 0;
        for (int i = 0; i < Math.Min(bytes.Length, model.Length); i++)
        {
            run = bytes[i] == model[i] ? run + 1 : 0;
            if (run == ShortestSame)
            {
                return i + 1 - run;
            }
        }

        return bytes.Length;
    }
}
