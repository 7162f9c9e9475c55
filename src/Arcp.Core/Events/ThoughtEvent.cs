using System.Text.Json.Serialization;

namespace Arcp.Core.Events;

/// <summary><c>thought</c>: a piece of the agent's reasoning.</summary>
public sealed record ThoughtEvent : EventBody
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override string Kind => "thought";

    /// <summary>The text.</summary>
    public required string Text { get; init; }
}
