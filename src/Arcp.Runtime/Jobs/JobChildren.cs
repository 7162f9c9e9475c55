namespace Arcp.Runtime.Jobs;

/// <summary>The jobs that a job has delegated work to (§10): where its log announces them, and which are alive.</summary>
/// <remarks>Thread-safe, under the one lock of the parent. Members that say so need that lock already.</remarks>
internal sealed class JobChildren(Lock jobLock)
{
    private readonly Lock _lock = jobLock;
    private Dictionary<long, Job>? _announced;

    /// <summary>Adds a child. Needs the lock.</summary>
    /// <param name="number">The entry of the parent's log that announces it.</param>
    /// <param name="child">The child.</param>
    public void AddNeedsLock(long number, Job child) => (_announced ??= []).Add(number, child);

    /// <summary>The child that an entry announces. Needs the lock.</summary>
    public Job? AnnouncedNeedsLock(long number) => _announced?.GetValueOrDefault(number);

    /// <summary>Ends all that live: the parent has ended.</summary>
    public void End()
    {
        Job[] children;
        lock (_lock)
        {
            children = _announced is null ? [] : [.. _announced.Values];
        }

        foreach (Job child in children)
        {
            child.TryApply(new JobSignal.Stopped(JobOutcome.ParentEnded));
        }
    }
}
