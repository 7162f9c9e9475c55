namespace Arcp.Runtime.Jobs;

/// <summary>What all jobs of a runtime share.</summary>
/// <param name="Limits">What bounds their logs.</param>
/// <param name="Clock">The clock of their events.</param>
/// <param name="Owner">Hears of their ends.</param>
internal sealed record JobEnvironment(JobLimits Limits, TimeProvider Clock, IJobOwner Owner)
{
    /// <summary>Where they lie when they have ended.</summary>
    public JobArchive Archive { get; } = new();
}
