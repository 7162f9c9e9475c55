using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Leases;

namespace Arcp.Client;

/// <summary>What a submit may ask for beside agent and input (§7.1). Everything is optional.</summary>
public sealed record SubmitOptions
{
    /// <summary>The agent's version (§7.5); null = its default. Needs the feature <c>agent_versions</c>.</summary>
    public string? Version { get; init; }

    /// <summary>Makes the submit safe to repeat (§7.2): the same key with the same request gives the same job.</summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>What the job may do (§9); null = nothing.</summary>
    public Lease? Lease { get; init; }

    /// <summary>Until when the lease holds (§9.5).</summary>
    public LeaseConstraints? LeaseConstraints { get; init; }

    /// <summary>How long the job may run; greater than zero. Longer, and it ends with <c>TIMEOUT</c>. Null = as long as the runtime allows.</summary>
    public TimeSpan? MaxRuntime { get; init; }

    /// <summary>The job that this one belongs to; it must be the principal's own.</summary>
    public JobId? ParentJobId { get; init; }

    /// <summary>The trace that the job joins (§11); null = a new one. Several submits of one trace are told apart less well by runtimes that do not name what they answer.</summary>
    public TraceContext? Trace { get; init; }
}
