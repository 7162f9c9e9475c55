namespace Arcp.Runtime.Jobs;

/// <summary>What bounds each job's log.</summary>
/// <param name="MaxEntries">How many entries are held.</param>
/// <param name="MaxBytes">How many bytes.</param>
/// <param name="StallTime">How long a reader may hold the agent back without reading anything.</param>
/// <param name="Memory">What all logs share.</param>
internal sealed record JobLimits(int MaxEntries, long MaxBytes, TimeSpan StallTime, LogMemory Memory)
{
    /// <summary>Where logs are kept beyond memory, and which commits them; null = nowhere.</summary>
    public JobStore? Store { get; init; }
}
