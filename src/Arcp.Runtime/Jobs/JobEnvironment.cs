namespace Arcp.Runtime.Jobs;

/// <summary>What all jobs of a runtime share.</summary>
internal sealed class JobEnvironment
{
    public JobEnvironment(JobLimits limits, TimeProvider clock, IJobOwner owner)
    {
        Limits = limits;
        Clock = clock;
        Owner = owner;
        Known = new KnownJobs(this);
    }

    /// <summary>What bounds their logs.</summary>
    public JobLimits Limits { get; }

    /// <summary>The clock of their events.</summary>
    public TimeProvider Clock { get; }

    /// <summary>Hears of their ends.</summary>
    public IJobOwner Owner { get; }

    /// <summary>Makes what they are known by.</summary>
    public KnownJobs Known { get; }
}
