using Arcp.Core;

namespace Arcp.Runtime.Jobs;

/// <summary>Where a job is in its life (§7.3).</summary>
internal abstract record JobState
{
    private JobState()
    {
    }

    public static JobState Waiting { get; } = new Pending();

    public static JobState AtWork { get; } = new Running();

    public abstract JobStatus Status { get; }

    public bool IsTerminal => this is Ended;

    public sealed record Pending : JobState
    {
        public override JobStatus Status => JobStatus.Pending;
    }

    public sealed record Running : JobState
    {
        public override JobStatus Status => JobStatus.Running;
    }

    public sealed record Ended(JobOutcome Outcome) : JobState
    {
        public override JobStatus Status => Outcome.Status;
    }
}
