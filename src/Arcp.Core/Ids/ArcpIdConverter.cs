using System.Text.Json;
using System.Text.Json.Serialization;

namespace Arcp.Core.Ids;

/// <summary>Reads and writes a typed id as a JSON string and enforces §5: not empty, at most 128 characters.</summary>
/// <typeparam name="TId">The id type.</typeparam>
internal sealed class ArcpIdConverter<TId> : JsonConverter<TId>
    where TId : struct, IArcpId<TId>
{
    public override TId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        string? text = reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
        return ArcpId.IsValid(text)
            ? TId.Create(text!)
            : throw new PayloadFormatException($"a string of 1 to {ArcpId.MaxLength} characters");
    }

    public override void Write(Utf8JsonWriter writer, TId value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.Value);
}
