using Arcp.Core;
using Arcp.Core.Ids;

namespace Arcp.Runtime.Storage;

/// <summary>A job as a store keeps it.</summary>
public sealed record StoredJob
{
    /// <summary>Its id.</summary>
    public required JobId Id { get; init; }

    /// <summary>Whose it is.</summary>
    public required StoredPrincipal Principal { get; init; }

    /// <summary>The session that submitted it.</summary>
    public required SessionId SubmittedBy { get; init; }

    /// <summary>Its agent's name.</summary>
    public required string AgentName { get; init; }

    /// <summary>Its agent's version.</summary>
    public required string AgentVersion { get; init; }

    /// <summary>Its lease, as a JSON object.</summary>
    public required string Lease { get; init; }

    /// <summary>When its lease ends; null = with the job.</summary>
    public DateTimeOffset? LeaseExpiresAt { get; init; }

    /// <summary>Its trace, as the wire writes it.</summary>
    public required string Trace { get; init; }

    /// <summary>When it was accepted, to the tick.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Its parent; null = it has none.</summary>
    public JobId? ParentId { get; init; }

    /// <summary>How many delegations lead to it.</summary>
    public int DelegationDepth { get; init; }

    /// <summary>The whole frame of its <c>job.accepted</c>, opaque to the store; empty = a child, which has none.</summary>
    public ReadOnlyMemory<byte> Acceptance { get; init; }

    /// <summary>Whether <see cref="Acceptance"/> holds secrets and is encrypted.</summary>
    public bool IsAcceptanceSecret { get; init; }

    /// <summary>The entry of its parent's log that announces it; null = it was not announced. Changed by <see cref="StoreChange.ChildAnnounced"/>.</summary>
    public long? AnnouncedAt { get; init; }

    /// <summary>What is left of its budgets; null = it has none, or nothing was spent. Changed by <see cref="StoreChange.BudgetChanged"/>.</summary>
    public IReadOnlyDictionary<string, decimal>? Remaining { get; init; }

    /// <summary>The number of its last entry; 0 = there is none. Changed by <see cref="StoreChange.EntryAppended"/>.</summary>
    public long LastEntry { get; init; }

    /// <summary>How it ended; null = it has not. Changed by <see cref="StoreChange.JobEnded"/>.</summary>
    public JobStatus? Status { get; init; }

    /// <summary>When it ended. Changed by <see cref="StoreChange.JobEnded"/>.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Whether only sessions that had to be sent something of it know it. Changed by <see cref="StoreChange.JobForgotten"/>.</summary>
    public bool IsForgotten { get; init; }
}
