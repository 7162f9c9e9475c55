using Arcp.Core.Ids;
using Arcp.Core.Leases;
using Arcp.Runtime.Authentication;

namespace Arcp.Runtime.Credentials;

/// <summary>The job that credentials are for: they must allow no more than its lease (§9.8).</summary>
public sealed record CredentialRequest
{
    /// <summary>The job; it is not accepted yet when its credentials are issued.</summary>
    public required JobId JobId { get; init; }

    /// <summary>On whose behalf it runs; never anonymous.</summary>
    public required Principal Principal { get; init; }

    /// <summary>The agent, as <c>name@version</c>.</summary>
    public required string Agent { get; init; }

    /// <summary>What the job may do; possibly empty.</summary>
    public required Lease Lease { get; init; }

    /// <summary>What bounds the lease as a whole; null = nothing.</summary>
    public LeaseConstraints? LeaseConstraints { get; init; }

    /// <summary>What is left of the lease's budgets, by currency; null = all of them. Set when a credential is rotated after money was spent.</summary>
    public IReadOnlyDictionary<string, decimal>? RemainingBudget { get; init; }

    /// <summary>The job that delegated this one; null = a client submitted it.</summary>
    public JobId? ParentJobId { get; init; }
}
