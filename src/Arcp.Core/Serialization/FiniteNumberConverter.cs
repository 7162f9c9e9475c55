using System.Text.Json;
using System.Text.Json.Serialization;

namespace Arcp.Core.Serialization;

/// <summary>Refuses numbers such as <c>1e999</c>, which would become infinite and could then be neither counted with nor written again.</summary>
internal sealed class FiniteNumberConverter : JsonConverter<double>
{
    public override double Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType is JsonTokenType.Number && reader.TryGetDouble(out double value) && double.IsFinite(value)
            ? value
            : throw new PayloadFormatException("a number that a double can hold");

    public override void Write(Utf8JsonWriter writer, double value, JsonSerializerOptions options) => writer.WriteNumberValue(value);
}
