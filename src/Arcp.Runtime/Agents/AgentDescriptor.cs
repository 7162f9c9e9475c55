using Arcp.Runtime.Jobs;

namespace Arcp.Runtime.Agents;

/// <summary>A registered agent: name, version and how an instance is made.</summary>
/// <param name="Name">The name (§7.5).</param>
/// <param name="Version">The version.</param>
/// <param name="IsDefault">Whether a bare name means this version.</param>
/// <param name="Create">Makes an instance, with services of the job's scope if it wants any.</param>
internal sealed record AgentDescriptor(string Name, string Version, bool IsDefault, Func<JobScope, IAgent> Create)
{
    /// <summary>What its jobs are told by.</summary>
    public JobAgent Identity { get; } = new(Name, Version);
}
