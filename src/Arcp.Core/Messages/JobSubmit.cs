using Arcp.Core.Ids;
using Arcp.Core.Leases;

namespace Arcp.Core.Messages;

/// <summary><c>job.submit</c> (client to runtime, §7.1): asks for a job.</summary>
public sealed record JobSubmit : ArcpMessage
{
    /// <summary>The agent: a bare name, or <c>name@version</c> when <c>agent_versions</c> is negotiated.</summary>
    public required string Agent { get; init; }

    /// <summary>The agent's input; absent = null. Passed through unchanged.</summary>
    public RawJson? Input { get; init; }

    /// <summary>What the job may do (§9).</summary>
    public Lease? LeaseRequest { get; init; }

    /// <summary>Until when the lease holds (§9.5).</summary>
    public LeaseConstraints? LeaseConstraints { get; init; }

    /// <summary>Makes the submit safe to repeat (§7.2).</summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>How many seconds the job may run; greater than 0, fractions allowed.</summary>
    public double? MaxRuntimeSec { get; init; }

    /// <summary>The job that this one belongs to.</summary>
    public JobId? ParentJobId { get; init; }
}
