using System.Collections.Frozen;
using Arcp.Core;

namespace Arcp.Runtime.Jobs;

/// <summary>Where a job is in its life (§7.3).</summary>
internal abstract record JobState
{
    private static readonly FrozenDictionary<JobStatus, Ended> Told = new[] { JobStatus.Success, JobStatus.Error, JobStatus.Cancelled, JobStatus.TimedOut }
        .ToFrozenDictionary(status => status, status => new Ended(new JobOutcome.Told(status)));

    private JobState()
    {
    }

    public static JobState Waiting { get; } = new NotStarted();

    public static JobState AtWork { get; } = new InProgress();

    /// <summary>The state of a job whose log tells how it ended: one object for all of them.</summary>
    public static JobState EndedWith(JobStatus status) => Told.GetValueOrDefault(status) ?? new Ended(new JobOutcome.Told(status));

    public abstract JobStatus Status { get; }

    /// <summary>How it ends; null while that is open. Once decided it stays.</summary>
    public virtual JobOutcome? Decision => null;

    public bool IsTerminal => this is Ended;

    public sealed record NotStarted : JobState
    {
        public override JobStatus Status => JobStatus.Pending;
    }

    public sealed record InProgress : JobState
    {
        public override JobStatus Status => JobStatus.Running;
    }

    /// <summary>Cancelled with a grace: the agent may wind down, and however the job then ends, it ends cancelled (§7.4).</summary>
    public sealed record Cancelling(JobOutcome.Cancellation Outcome) : JobState
    {
        public override JobStatus Status => JobStatus.Running;
    }

    /// <summary>The end is decided, and what was lent to the job is being taken back before it is shown (§9.8).</summary>
    public sealed record Settling(JobOutcome Outcome) : JobState
    {
        public override JobStatus Status => JobStatus.Running;

        public override JobOutcome Decision => Outcome;
    }

    public sealed record Ended(JobOutcome Outcome) : JobState
    {
        public override JobStatus Status => Outcome.Status;

        public override JobOutcome Decision => Outcome;
    }
}
