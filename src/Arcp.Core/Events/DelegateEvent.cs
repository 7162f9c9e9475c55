using System.Text.Json.Serialization;
using Arcp.Core.Ids;
using Arcp.Core.Leases;

namespace Arcp.Core.Events;

/// <summary><c>delegate</c>: the job has started a child job (§10).</summary>
public sealed record DelegateEvent : EventBody
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override string Kind => "delegate";

    /// <summary>Identifies the delegation.</summary>
    public required string DelegateId { get; init; }

    /// <summary>The child.</summary>
    public required JobId ChildJobId { get; init; }

    /// <summary>The child's agent.</summary>
    public required string Agent { get; init; }

    /// <summary>The child's lease.</summary>
    public Lease? LeaseRequest { get; init; }

    /// <summary>Until when it holds.</summary>
    public LeaseConstraints? LeaseConstraints { get; init; }
}
