using System.Collections.Immutable;

namespace Arcp.Runtime.Jobs;

/// <summary>The readers of one job, those among them who hold its agent back, and the agent's wait for them.</summary>
/// <remarks>
/// Needs the job's lock. Readers may be many; those who hold back are few, and only they are looked at when the job emits.
/// A part of its <see cref="JobFeed"/>, there are many: not to be copied.
/// </remarks>
internal struct JobReaders()
{
    private ImmutableArray<JobReader> _holders = [];
    private TaskCompletionSource? _space;

    /// <summary>All readers, as an array that never changes.</summary>
    public ImmutableArray<JobReader> All { get; private set; } = [];

    /// <summary>The number of the first entry that is kept for those who hold back.</summary>
    public readonly long FirstUnread
    {
        get
        {
            long first = long.MaxValue;
            foreach (JobReader reader in _holders)
            {
                first = Math.Min(first, reader.Position + 1);
            }

            return first;
        }
    }

    public void Add(JobReader reader, bool holdsBack)
    {
        All = All.Add(reader);
        if (holdsBack)
        {
            SetHoldsBack(reader, true);
        }
    }

    /// <summary>Removes a reader, who holds nobody back any more.</summary>
    public void Remove(JobReader reader)
    {
        All = Without(All, reader);
        SetHoldsBack(reader, false);
    }

    public void SetHoldsBack(JobReader reader, bool holdsBack)
    {
        _holders = Without(_holders, reader);
        if (holdsBack)
        {
            // Mostly the one who holds back is the one who reads.
            _holders = _holders.IsEmpty && All is [var only] && only == reader ? All : _holders.Add(reader);
        }
    }

    /// <summary>Whether anybody who holds back has not read the oldest entry that is held.</summary>
    /// <param name="evicted">How many entries have gone.</param>
    public readonly bool HoldBack(long evicted) => FirstUnread <= evicted + 1;

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

    /// <summary>Lets those who hold back now do so no more.</summary>
    /// <param name="evicted">How many entries have gone.</param>
    /// <returns>They, to be told outside the lock.</returns>
    public IReadOnlyList<JobReader> ReleaseStalled(long evicted)
    {
        ImmutableArray<JobReader> stalled = [.. _holders.Where(reader => reader.Position <= evicted)];
        _holders = _holders.RemoveRange(stalled);
        return stalled;
    }

    private static ImmutableArray<JobReader> Without(ImmutableArray<JobReader> readers, JobReader reader) =>
        readers is [var only] && only == reader ? [] : readers.Remove(reader); // Remove makes an array for nothing, too
}
