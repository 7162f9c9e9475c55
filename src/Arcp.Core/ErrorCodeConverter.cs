using System.Text.Json;
using System.Text.Json.Serialization;

namespace Arcp.Core;

/// <summary>Reads and writes an <see cref="ErrorCode"/>. Public for the JSON contracts that the compiler generates where it stands in a type of yours.</summary>
public sealed class ErrorCodeConverter : JsonConverter<ErrorCode>
{
    /// <inheritdoc/>
    public override ErrorCode Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.TokenType switch
    {
        JsonTokenType.String => new ErrorCode(reader.GetString()!),
        JsonTokenType.Null => default, // as if absent (§5): an error without a code is still an error
        _ => throw new PayloadFormatException("an error code string"),
    };

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, ErrorCode value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.Value);
}
