using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Leases;
using Arcp.Runtime.Authentication;
using Arcp.Runtime.Credentials;
using Arcp.Runtime.Leases;

namespace Arcp.Runtime.Jobs;

/// <summary>What is fixed when a job is accepted (§7.1).</summary>
internal sealed record JobSpec
{
    public required JobId Id { get; init; }

    public required JobOrigin Origin { get; init; }

    public required TraceContext Trace { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public TimeSpan? MaxRuntime { get; init; }

    public JobId? ParentId { get; init; }

    /// <summary>How many delegations lead to this job; 0 = a client submitted it (§10).</summary>
    public int DelegationDepth { get; init; }

    /// <summary>Whether the job is lent credentials, when there are any to lend (§9.8).</summary>
    public bool TakesCredentials { get; init; }

    /// <summary>What was lent to the job and is taken back before its end is shown (§9.8).</summary>
    public JobCredentials Credentials { get; init; } = JobCredentials.None;

    /// <summary>Whether the submitting session takes streamed results; for others they are put together (§8.4).</summary>
    public bool StreamsResult { get; init; }

    public Principal Principal => Origin.Principal;

    public SessionId SubmittedBy => Origin.SubmittedBy;

    public JobAgent Agent => Origin.Agent;

    public LeaseGuard Guard => Origin.Guard;

    public Lease Lease => Guard.Lease.Lease;

    public LeaseConstraints? LeaseConstraints => Guard.Expiry is { } expiry ? new LeaseConstraints { ExpiresAt = expiry.At } : null;
}
