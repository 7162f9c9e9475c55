using System.Collections.Immutable;

namespace Arcp.Runtime.Jobs;

/// <summary>The readers of one job, those among them who hold its agent back, and the agent's wait for them.</summary>
/// <remarks>Needs the job's lock.</remarks>
internal sealed class JobReaders
{
    private TaskCompletionSource? _space;

    /// <summary>All readers, as an array that never changes.</summary>
    public ImmutableArray<JobReader> All { get; private set; } = [];

    /// <summary>The number of the first entry that is kept for those who hold back.</summary>
    public long FirstUnread
    {
        get
        {
            long first = long.MaxValue;
            foreach (JobReader reader in All)
            {
                first = reader.HoldsBack ? Math.Min(first, reader.Position + 1) : first;
            }

            return first;
        }
    }

    public void Add(JobReader reader) => All = All.Add(reader);

    public void Remove(JobReader reader) => All = All.Remove(reader);

    /// <summary>Whether anybody who holds back has not read the oldest entry that is held.</summary>
    /// <param name="evicted">How many entries have gone.</param>
    public bool HoldBack(long evicted) => All.Any(reader => HoldsBack(reader, evicted));

    /// <summary>Ends when nobody holds back any more.</summary>
    public Task WaitForSpace() => (_space ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    /// <summary>Takes the wait that can be ended now, outside the lock; null = there is none.</summary>
    /// <param name="evicted">How many entries have gone.</param>
    public TaskCompletionSource? TakeSpace(long evicted)
    {
        if (_space is null || HoldBack(evicted))
        {
            return null;
        }

        TaskCompletionSource space = _space;
        _space = null;
        return space;
    }

    /// <summary>Lets nobody hold back any more.</summary>
    /// <param name="evicted">How many entries have gone.</param>
    /// <returns>Those who did, to be told outside the lock.</returns>
    public IReadOnlyList<JobReader> ReleaseStalled(long evicted)
    {
        JobReader[] stalled = [.. All.Where(reader => HoldsBack(reader, evicted))];
        foreach (JobReader reader in stalled)
        {
            reader.HoldsBack = false;
        }

        return stalled;
    }

    private static bool HoldsBack(JobReader reader, long evicted) => reader.HoldsBack && reader.Position <= evicted;
}
