using System.Text.Json;
using System.Text.Json.Serialization;

namespace Arcp.Core.Leases;

/// <summary>Reads and writes a <see cref="Lease"/>. Public for the JSON contracts that the compiler generates where it stands in a type of yours.</summary>
public sealed class LeaseConverter : JsonConverter<Lease>
{
    private const string Accepted = "an object of namespaces, each with an array of non-empty strings, each named once";

    /// <inheritdoc/>
    public override Lease Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType is not JsonTokenType.StartObject)
        {
            throw new PayloadFormatException(Accepted);
        }

        var entries = new OrderedDictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType is JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            reader.Read();
            if (!entries.TryAdd(name, ReadPatterns(ref reader)))
            {
                throw new PayloadFormatException(Accepted);
            }
        }

        return new Lease(entries);
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, Lease value, JsonSerializerOptions options)
    {
        writer.WriteStartObject();
        foreach ((string name, IReadOnlyList<string> patterns) in value)
        {
            writer.WriteStartArray(name);
            foreach (string pattern in patterns)
            {
                writer.WriteStringValue(pattern);
            }

            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    }

    private static List<string> ReadPatterns(ref Utf8JsonReader reader)
    {
        if (reader.TokenType is not JsonTokenType.StartArray)
        {
            throw new PayloadFormatException(Accepted);
        }

        var patterns = new List<string>();
        while (reader.Read() && reader.TokenType is not JsonTokenType.EndArray)
        {
            patterns.Add(reader.TokenType is JsonTokenType.String ? reader.GetString()! : throw new PayloadFormatException(Accepted));
        }

        return patterns;
    }
}
