namespace Arcp.Runtime.Jobs;

/// <summary>The transition table of §7.3, a pure function.</summary>
internal static class JobTransitions
{
    /// <summary>Decides what a signal does.</summary>
    /// <returns>The state afterwards, and whether the signal took effect.</returns>
    public static (JobState State, bool Applied) Next(JobState state, JobSignal signal) => (state, signal) switch
    {
        (JobState.Ended, _) => (state, false), // terminal absorbs everything
        (JobState.Settling settling, JobSignal.Settled) => (new JobState.Ended(settling.Outcome), true),
        (JobState.Settling, _) or (_, JobSignal.Settled) => (state, false),
        (JobState.NotStarted, JobSignal.Started) => (JobState.AtWork, true),
        (JobState.InProgress, JobSignal.Emitted) => (state, true),
        (JobState.InProgress, JobSignal.Finished finished) => (new JobState.Settling(finished.Outcome), true),
        (JobState.InProgress, JobSignal.CancelAsked asked) => (new JobState.Cancelling(asked.Outcome), true),
        (JobState.NotStarted, JobSignal.CancelAsked asked) => (new JobState.Settling(asked.Outcome), true), // nobody is at work who could wind down
        (JobState.Cancelling, JobSignal.Emitted) => (state, true),
        (JobState.Cancelling cancelling, JobSignal.Finished or JobSignal.Stopped) => (new JobState.Settling(cancelling.Outcome), true),
        (_, JobSignal.Stopped stopped) => (new JobState.Settling(stopped.Outcome), true),
        _ => (state, false), // an agent that has not started says and ends nothing; one that has does not start again
    };
}
