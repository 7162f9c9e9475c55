using System.Text.Json.Serialization;

namespace Arcp.Core.Events;

/// <summary><c>log</c>: a line for people.</summary>
public sealed record LogEvent : EventBody
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override string Kind => "log";

    /// <summary><c>debug</c>, <c>info</c>, <c>warn</c> or <c>error</c>.</summary>
    public required string Level { get; init; }

    /// <summary>The line.</summary>
    public required string Message { get; init; }

    /// <summary>Structured facts beside it, a JSON object.</summary>
    public RawJson? Attributes
    {
        get;
        init => field = Absent.IfNull(value);
    }
}
