using System.Text.Json;
using System.Text.Json.Serialization;

namespace Arcp.Core.Serialization;

/// <summary>Reads an integer of 32 bits by its value, whatever its spelling.</summary>
internal sealed class SmallIntegerConverter : JsonConverter<int>
{
    public override int Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        JsonTokens.TryGetInteger(ref reader, out long value) && value is >= int.MinValue and <= int.MaxValue
            ? (int)value
            : throw new PayloadFormatException($"an integer from {int.MinValue} to {int.MaxValue}");

    public override void Write(Utf8JsonWriter writer, int value, JsonSerializerOptions options) => writer.WriteNumberValue(value);
}
