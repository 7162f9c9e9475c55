using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Leases;
using Arcp.Core.Messages;

namespace Arcp.Client;

/// <summary>What a submit may ask for beside agent and input (§7.1). Everything is optional.</summary>
public sealed record SubmitOptions
{
    /// <summary>The agent's version (§7.5); null = its default. Needs the feature <c>agent_versions</c>.</summary>
    public string? Version { get; init; }

    /// <summary>Makes the submit safe to repeat (§7.2): the same key with the same request gives the same job.</summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>What the job may do (§9); null = nothing. Budgets need the feature <c>cost.budget</c>, models <c>model.use</c>.</summary>
    public Lease? Lease { get; init; }

    /// <summary>Until when the lease holds (§9.5); any offset, sent as UTC. Needs the feature <c>lease_expires_at</c>.</summary>
    public LeaseConstraints? LeaseConstraints { get; init; }

    /// <summary>How long the job may run; greater than zero. Longer, and it ends with <c>TIMEOUT</c>. Null = as long as the runtime allows.</summary>
    public TimeSpan? MaxRuntime { get; init; }

    /// <summary>The job that this one belongs to; it must be the principal's own.</summary>
    public JobId? ParentJobId { get; init; }

    /// <summary>The trace that the job joins (§11); null = a new one. Several submits of one trace are told apart less well by runtimes that do not name what they answer.</summary>
    public TraceContext? Trace { get; init; }

    /// <summary>
    /// Whether a streamed result (§8.4) is put together in memory, up to <see cref="ArcpClientOptions.MaxResultBytes"/>, and stays there for as long as the handle is. Default true.
    /// Turn it off for results that are only read as they come, with <see cref="JobView.OpenResultStream"/> and its like: then nothing limits their size, and only the job's newest events are in memory.
    /// </summary>
    public bool BufferResult { get; init; } = true;

    /// <summary>Checks what the runtime would refuse anyway, and makes the message.</summary>
    internal JobSubmit ToMessage(string agent, RawJson? input, Features features)
    {
        ArgumentException.ThrowIfNullOrEmpty(agent);
        if (MaxRuntime is { } limit)
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(limit, TimeSpan.Zero, nameof(MaxRuntime));
        }

        bool hasVersion = agent.Contains('@', StringComparison.Ordinal);
        if (Version is { } version)
        {
            ArgumentException.ThrowIfNullOrEmpty(version, nameof(Version));
            agent = hasVersion ? throw new ArgumentException("The version is given twice, with the agent and in the options.") : $"{agent}@{version}";
            hasVersion = true;
        }

        if (Lease is { } lease && LeaseGrammar.FindError(lease) is { } error)
        {
            throw new ArgumentException(error);
        }

        // §6.2: the runtime would refuse these. Leaving them out instead could run another version than was asked for, or a job that nothing bounds.
        Require(hasVersion, Features.AgentVersions, $"'{agent}' cannot be asked for; accepted is a bare name");
        Require(Lease?.ContainsKey(LeaseNamespaces.CostBudget) is true, Features.CostBudget, "a lease cannot have a budget");
        Require(Lease?.ContainsKey(LeaseNamespaces.ModelUse) is true, Features.ModelUse, "a lease cannot name models");
        Require(LeaseConstraints?.ExpiresAt is not null, Features.LeaseExpiresAt, "a lease cannot expire");
        return new JobSubmit
        {
            Agent = agent,
            Input = input,
            LeaseRequest = Lease,
            LeaseConstraints = LeaseConstraints,
            IdempotencyKey = IdempotencyKey,
            MaxRuntimeSec = MaxRuntime?.TotalSeconds,
            ParentJobId = ParentJobId,
        };

        void Require(bool isUsed, Features feature, string otherwise)
        {
            if (isUsed && !features.HasFlag(feature))
            {
                throw new ArcpException(ErrorCode.InvalidRequest, $"The session has not negotiated {feature.ToNames()[0]}, so {otherwise}.");
            }
        }
    }
}
