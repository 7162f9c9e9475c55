using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Leases;
using Arcp.Runtime.Authentication;

namespace Arcp.Runtime.Jobs;

/// <summary>What is fixed when a job is accepted (§7.1).</summary>
internal sealed record JobSpec
{
    public required JobId Id { get; init; }

    public required Principal Principal { get; init; }

    /// <summary>The session that submitted it: the one with authority to cancel (§7.4).</summary>
    public required SessionId SubmittedBy { get; init; }

    public required string AgentName { get; init; }

    public required string AgentVersion { get; init; }

    public required RawJson Input { get; init; }

    public required Lease Lease { get; init; }

    public LeaseConstraints? LeaseConstraints { get; init; }

    public required TraceContext Trace { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public TimeSpan? MaxRuntime { get; init; }

    public JobId? ParentId { get; init; }
}
