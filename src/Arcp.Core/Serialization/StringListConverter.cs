using System.Text.Json;
using System.Text.Json.Serialization;

namespace Arcp.Core.Serialization;

/// <summary>Reads a list of strings and refuses a null among them, which the built-in converter lets through.</summary>
internal sealed class StringListConverter : JsonConverter<IReadOnlyList<string>>
{
    private const string Accepted = "an array of strings";

    public override IReadOnlyList<string> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType is not JsonTokenType.StartArray)
        {
            throw new PayloadFormatException(Accepted);
        }

        var list = new List<string>();
        while (reader.Read() && reader.TokenType is not JsonTokenType.EndArray)
        {
            list.Add(reader.TokenType is JsonTokenType.String ? reader.GetString()! : throw new PayloadFormatException(Accepted));
        }

        return list;
    }

    public override void Write(Utf8JsonWriter writer, IReadOnlyList<string> value, JsonSerializerOptions options)
    {
        writer.WriteStartArray();
        foreach (string text in value)
        {
            writer.WriteStringValue(text);
        }

        writer.WriteEndArray();
    }
}
