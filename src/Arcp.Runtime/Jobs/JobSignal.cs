namespace Arcp.Runtime.Jobs;

/// <summary>What can happen to a job. Runners, timers, clients and shutdown only ever send signals; <see cref="JobTransitions"/> decides.</summary>
internal abstract record JobSignal
{
    private JobSignal()
    {
    }

    /// <summary>The agent begins.</summary>
    public static JobSignal AgentStarted { get; } = new Started();

    /// <summary>The agent says something.</summary>
    public static JobSignal EventEmitted { get; } = new Emitted();

    /// <summary>What was lent to the job is taken back, or that goes on without it.</summary>
    public static JobSignal TakenBack { get; } = new Settled();

    /// <summary>The agent begins.</summary>
    public sealed record Started : JobSignal;

    /// <summary>The agent says something.</summary>
    public sealed record Emitted : JobSignal;

    /// <summary>The agent is done: it returned or threw.</summary>
    public sealed record Finished(JobOutcome Outcome) : JobSignal;

    /// <summary>Someone else ends the job: cancel, timeout, expiry, shutdown.</summary>
    public sealed record Stopped(JobOutcome Outcome) : JobSignal;

    /// <summary>Someone asks for the end and leaves the agent a grace to wind down.</summary>
    public sealed record CancelAsked(JobOutcome.Cancellation Outcome) : JobSignal;

    /// <summary>What was lent to the job is taken back, or that goes on without it: the end may be shown.</summary>
    public sealed record Settled : JobSignal;
}
