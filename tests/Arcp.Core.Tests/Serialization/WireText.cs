using System.Buffers;
using System.Text;
using System.Text.Json;
using Arcp.Core.Serialization;

namespace Arcp.Core.Tests.Serialization;

/// <summary>JSON as text, written as the wire is.</summary>
internal static class WireText
{
    /// <summary>What is written to a writer.</summary>
    public static string Write(Action<Utf8JsonWriter> write)
    {
        var output = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(output, WireJson.WriterOptions))
        {
            write(writer);
        }

        return Encoding.UTF8.GetString(output.WrittenSpan);
    }

    /// <summary>What its contract writes of a message or an event.</summary>
    public static string Contract(object value) => Write(writer => JsonSerializer.Serialize(writer, value, WireJson.Contract(value.GetType())!));
}
