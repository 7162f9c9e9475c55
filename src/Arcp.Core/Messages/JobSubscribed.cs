using System.Text.Json.Serialization;
using Arcp.Core.Ids;
using Arcp.Core.Leases;

namespace Arcp.Core.Messages;

/// <summary><c>job.subscribed</c> (runtime to client, §7.6): the subscription holds; history follows, then live events.</summary>
public sealed record JobSubscribed : ArcpMessage
{
    /// <summary>The job; stands on the envelope alone in frames of some runtimes.</summary>
    public JobId? JobId { get; init; }

    /// <summary>Its state at this moment.</summary>
    public JobStatus? CurrentStatus { get; init; }

    /// <summary>Its agent.</summary>
    public string? Agent { get; init; }

    /// <summary>Its lease.</summary>
    public Lease? Lease { get; init; }

    /// <summary>Until when the lease holds.</summary>
    public LeaseConstraints? LeaseConstraints { get; init; }

    /// <summary>What is left of each budgeted currency.</summary>
    public IReadOnlyDictionary<string, decimal>? Budget { get; init; }

    /// <summary>Its parent, when it has one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public JobId? ParentJobId { get; init; }

    /// <summary>Its trace.</summary>
    public string? TraceId { get; init; }

    /// <summary>The length of the job's log at this moment (§8.3).</summary>
    public long? SubscribedFrom { get; init; }

    /// <summary>Whether history follows.</summary>
    public bool? Replayed { get; init; }

    /// <summary>The job's credentials, for its submitter's principal only. Secrets.</summary>
    public IReadOnlyList<ProvisionedCredential>? Credentials
    {
        get;
        init => field = Absent.IfNull(value);
    }
}
