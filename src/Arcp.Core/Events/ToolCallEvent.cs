using System.Text.Json.Serialization;

namespace Arcp.Core.Events;

/// <summary><c>tool_call</c>: the agent calls a tool.</summary>
public sealed record ToolCallEvent : EventBody
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override string Kind => "tool_call";

    /// <summary>The tool.</summary>
    public required string Tool { get; init; }

    /// <summary>Its arguments, unchanged.</summary>
    public RawJson? Args { get; init; }

    /// <summary>Pairs the call with its <see cref="ToolResultEvent"/>.</summary>
    public required string CallId { get; init; }
}
