using System.Text.Json.Serialization;

namespace Arcp.Core.Events;

/// <summary><c>progress</c>: how far the job has come. Needs the feature <c>progress</c>.</summary>
public sealed record ProgressEvent : EventBody
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override string Kind => "progress";

    /// <summary>What is done; at least 0.</summary>
    public required double Current { get; init; }

    /// <summary>What there is to do.</summary>
    public double? Total { get; init; }

    /// <summary>What is counted.</summary>
    public string? Units { get; init; }

    /// <summary>A line for people.</summary>
    public string? Message { get; init; }
}
