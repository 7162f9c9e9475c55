using System.Text.Json;
using System.Text.Json.Serialization;
using Arcp.Core.Messages;

namespace Arcp.Core.Serialization;

/// <summary>Agents come as objects or, from some runtimes, as plain names.</summary>
internal sealed class AgentInfoConverter : JsonConverter<AgentInfo>
{
    public override AgentInfo Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType is JsonTokenType.String)
        {
            return new AgentInfo { Name = reader.GetString()! };
        }

        try
        {
            AgentBlock block = JsonSerializer.Deserialize(ref reader, WireJson.Context.AgentBlock)!;
            return new AgentInfo { Name = block.Name, Versions = block.Versions, Default = block.Default };
        }
        catch (JsonException)
        {
            // Its path starts at the agent; the one that the reader of the whole payload adds to ours starts at the payload.
            throw new PayloadFormatException("an agent's name, or an object with the string 'name', the array of strings 'versions' and the string 'default'");
        }
    }

    public override void Write(Utf8JsonWriter writer, AgentInfo value, JsonSerializerOptions options) =>
        JsonSerializer.Serialize(
            writer,
            new AgentBlock { Name = value.Name, Versions = value.Versions, Default = value.Default },
            WireJson.Context.AgentBlock);
}

/// <summary>The object form of <see cref="AgentInfo"/>.</summary>
internal sealed record AgentBlock
{
    public required string Name { get; init; }

    public IReadOnlyList<string>? Versions { get; init; }

    public string? Default { get; init; }
}
