using System.Text.Json.Serialization;
using Arcp.Core.Ids;

namespace Arcp.Core.Events;

/// <summary><c>result_chunk</c>: a piece of a streamed result (§8.4). Needs the feature <c>result_chunk</c>.</summary>
public sealed record ResultChunkEvent : EventBody
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override string Kind => "result_chunk";

    /// <summary>The result it belongs to.</summary>
    public required ResultId ResultId { get; init; }

    /// <summary>Its number: 0, 1, 2 …</summary>
    public required long ChunkSeq { get; init; }

    /// <summary>The piece, encoded as <see cref="Encoding"/> says.</summary>
    public required string Data { get; init; }

    /// <summary><c>utf8</c> or <c>base64</c>.</summary>
    public required string Encoding { get; init; }

    /// <summary>False on the last piece.</summary>
    public required bool More { get; init; }
}
