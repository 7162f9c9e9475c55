namespace Arcp.Runtime.Jobs;

/// <summary>Which agent a job runs: one object for all jobs of a version.</summary>
/// <param name="Name">The agent's name.</param>
/// <param name="Version">Its version.</param>
internal sealed record JobAgent(string Name, string Version)
{
    /// <summary>Both, as §7.5 writes them: <c>name@version</c>.</summary>
    public string Reference { get; } = $"{Name}@{Version}";
}
