using System.Buffers;
using System.Text.Json;

namespace Arcp.Core.Serialization;

/// <summary>Lends each thread a JSON writer with the wire's options.</summary>
internal static class WireWriter
{
    [ThreadStatic]
    private static Utf8JsonWriter? _writer;

    /// <summary>Lends the thread's writer until it is lent the next time.</summary>
    /// <param name="output">Where it writes to.</param>
    public static Utf8JsonWriter Rent(IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(output);
        if (_writer is null)
        {
            return _writer = new Utf8JsonWriter(output, WireJson.WriterOptions);
        }

        _writer.Reset(output);
        return _writer;
    }

    /// <summary>Writes a member that has a value.</summary>
    public static void WriteMember(Utf8JsonWriter writer, ReadOnlySpan<byte> name, string? value)
    {
        if (value is not null)
        {
            writer.WriteString(name, value);
        }
    }

    /// <summary>Ends an object, and hands out all that was written.</summary>
    public static void End(Utf8JsonWriter writer)
    {
        writer.WriteEndObject();
        writer.Flush();
    }
}
