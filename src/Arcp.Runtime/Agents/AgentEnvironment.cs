using Arcp.Runtime.Configuration;
using Arcp.Runtime.Jobs;
using Arcp.Runtime.Time;
using Microsoft.Extensions.Logging;

namespace Arcp.Runtime.Agents;

/// <summary>What all agents of a runtime share.</summary>
internal sealed record AgentEnvironment
{
    /// <summary>The host's services; empty without a container.</summary>
    public required IServiceProvider Services { get; init; }

    public required ArcpRuntimeOptions Options { get; init; }

    public required TimeProvider Clock { get; init; }

    public required DeadlineQueue Deadlines { get; init; }

    public required ILogger Logger { get; init; }

    public required AgentRegistry Agents { get; init; }

    public required JobFactory JobFactory { get; init; }

    public required JobRunner Runner { get; init; }

    public required IJobAudience Audience { get; init; }
}
