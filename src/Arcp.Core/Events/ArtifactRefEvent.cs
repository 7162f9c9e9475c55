using System.Text.Json.Serialization;

namespace Arcp.Core.Events;

/// <summary><c>artifact_ref</c>: points at something the job has produced.</summary>
public sealed record ArtifactRefEvent : EventBody
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override string Kind => "artifact_ref";

    /// <summary>Where it is.</summary>
    public required string Uri { get; init; }

    /// <summary>Its media type.</summary>
    public required string ContentType { get; init; }

    /// <summary>Its size in bytes.</summary>
    public long? ByteSize { get; init; }

    /// <summary>Its SHA-256 as hexadecimal digits.</summary>
    public string? Sha256 { get; init; }
}
