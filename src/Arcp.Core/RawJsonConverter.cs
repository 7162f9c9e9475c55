using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Arcp.Core;

/// <summary>Reads and writes a <see cref="RawJson"/>. Public for the JSON contracts that the compiler generates where it stands in a type of yours.</summary>
/// <remarks>Takes a value's bytes out of the buffer that is being read, without building a document.</remarks>
public sealed class RawJsonConverter : JsonConverter<RawJson>
{
    /// <inheritdoc/>
    public override bool HandleNull => true;

    /// <inheritdoc/>
    public override RawJson Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType is JsonTokenType.Null)
        {
            return RawJson.Null;
        }

        // A reader over a sequence may hold the value in pieces; only then a document has to join them.
        if (reader.Position.GetObject() is not null)
        {
            using JsonDocument document = JsonDocument.ParseValue(ref reader);
            return RawJson.FromTrusted(JsonMarshal.GetRawUtf8Value(document.RootElement));
        }

        if (reader.TokenType is JsonTokenType.String)
        {
            return RawJson.FromTrusted([(byte)'"', .. reader.ValueSpan, (byte)'"']);
        }

        // The reader is over one contiguous span, in which the current token starts at ValueSpan's first byte
        // and, after Skip, the value ends at BytesConsumed: what lies between are the value's bytes.
        ref byte first = ref MemoryMarshal.GetReference(reader.ValueSpan);
        long start = reader.TokenStartIndex;
        _ = reader.TrySkip(); // the serializer has buffered the whole value; Skip would refuse to work on a stream
        return RawJson.FromTrusted(MemoryMarshal.CreateReadOnlySpan(ref first, (int)(reader.BytesConsumed - start)));
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, RawJson value, JsonSerializerOptions options) =>
        writer.WriteRawValue(value.Utf8.Span, skipInputValidation: true);
}
