using Arcp.Core.Ids;
using Arcp.Core.Leases;

namespace Arcp.Core.Messages;

/// <summary><c>job.accepted</c> (runtime to client, §7.1): the job exists.</summary>
public sealed record JobAccepted : ArcpMessage
{
    /// <summary>The job; stands on the envelope alone in frames of some runtimes.</summary>
    public JobId? JobId { get; init; }

    /// <summary>The resolved agent: <c>name@version</c>, or the bare name without <c>agent_versions</c>.</summary>
    public string? Agent { get; init; }

    /// <summary>What the job may do; possibly empty.</summary>
    public Lease? Lease { get; init; }

    /// <summary>Until when.</summary>
    public LeaseConstraints? LeaseConstraints { get; init; }

    /// <summary>The amount of each budgeted currency.</summary>
    public IReadOnlyDictionary<string, decimal>? Budget { get; init; }

    /// <summary>Credentials for the job's use (§9.8). Secrets.</summary>
    public IReadOnlyList<ProvisionedCredential>? Credentials
    {
        get;
        init => field = Absent.IfNull(value);
    }

    /// <summary>When it was accepted.</summary>
    public DateTimeOffset? AcceptedAt { get; init; }

    /// <summary>Its parent, when it has one.</summary>
    public JobId? ParentJobId { get; init; }

    /// <summary>Its trace.</summary>
    public string? TraceId { get; init; }

    /// <summary>The submit's id, where a runtime puts it into the payload; ours stands on the envelope (§7.2).</summary>
    public MessageId? RequestId { get; init; }

    /// <summary>Sent by some runtimes for a delegated job; such an acceptance answers no submit.</summary>
    public string? DelegateId { get; init; }
}
