using System.Text.Json;
using System.Text.Json.Serialization;

namespace Arcp.Core.Serialization;

/// <summary>Reads an integer by its value, whatever its spelling.</summary>
internal sealed class IntegerConverter : JsonConverter<long>
{
    public override long Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        JsonTokens.TryGetInteger(ref reader, out long value) ? value : throw new PayloadFormatException("an integer");

    public override void Write(Utf8JsonWriter writer, long value, JsonSerializerOptions options) => writer.WriteNumberValue(value);
}
