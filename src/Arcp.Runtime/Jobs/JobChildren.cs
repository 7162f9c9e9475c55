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

    /// <summary>Adds a child that an earlier run has announced.</summary>
    public void Restore(long number, Job child)
    {
        lock (_lock)
        {
            AddNeedsLock(number, child);
        }
    }

    /// <summary>The child that an entry announces. Needs the lock.</summary>
    public Job? AnnouncedNeedsLock(long number) => _announced?.GetValueOrDefault(number);

    /// <summary>The entry that announces a child; null = none does.</summary>
    public long? FindNumber(Job child)
    {
        lock (_lock)
        {
            return _announced?.Where(entry => entry.Value == child).Select(entry => (long?)entry.Key).FirstOrDefault();
        }
    }

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
