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

        AgentBlock block = JsonSerializer.Deserialize(ref reader, WireJson.Context.AgentBlock) ?? throw new PayloadFormatException("an agent");
        return new AgentInfo { Name = block.Name, Versions = block.Versions, Default = block.Default };
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
