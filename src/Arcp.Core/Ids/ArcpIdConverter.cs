using System.Text.Json;
using System.Text.Json.Serialization;

namespace Arcp.Core.Ids;

/// <summary>Reads and writes a typed id as a JSON string and enforces §5: not empty, at most 128 characters. Public for the JSON contracts that the compiler generates where an id stands in a type of yours.</summary>
/// <typeparam name="TId">The id type.</typeparam>
public sealed class ArcpIdConverter<TId> : JsonConverter<TId>
    where TId : struct, IArcpId<TId>
{
    /// <inheritdoc/>
    public override TId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        string? text = reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
        return ArcpId.IsValid(text)
            ? TId.Create(text!)
            : throw new PayloadFormatException($"a string of 1 to {ArcpId.MaxLength} characters");
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, TId value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.Value);
}
