using Arcp.Core.Messages;

namespace Arcp.Client.Jobs;

/// <summary>The events of one job as they came. One writer appends and never waits; any number of readers follow, each at its own pace with a cursor of its own.</summary>
/// <remarks>
/// Thread-safe. Beyond its limits the oldest events are let go, so that neither a slow reader nor an absent one makes memory grow or holds up
/// the connection; a reader that wanted one of them gets an error instead of a gap.
/// </remarks>
/// <param name="limits">The log's own limits.</param>
/// <param name="shared">The memory that it shares with other logs; null = it shares none. Its newest event is kept whatever the others take.</param>
internal sealed class EventLog(EventLimits limits, SharedMemory? shared = null)
{
    private const int BatchSize = 64;

    // A reader is woken for many events at once; so many must not be lost before it is.
    private const int SmallCount = 1024;
    private const int SmallBytes = 1024 * 1024;

    private readonly Lock _gate = new();
    private readonly bool _isSmall = limits.MaxEvents < SmallCount || limits.MaxBytes < SmallBytes;
    private Entry[] _ring = [];
    private int _count;
    private long _first;
    private long _dropped;
    private long _bytes;
    private bool _isComplete;
    private Func<Exception>? _failure;
    private TaskCompletionSource? _changed;
    private SharedMemory? _shared = shared;

    /// <summary>Whether a reader that waits has been left to <see cref="Wake"/>; for the writer.</summary>
    public bool IsWakeDue { get; private set; }

    /// <summary>Appends an event and leaves waking the readers to <see cref="Wake"/>, unless so little is kept that they have to be quick; after <see cref="Complete"/> nothing happens.</summary>
    /// <param name="entry">The event.</param>
    /// <param name="number">Its place in the job's log (§8.3), as far as that is known.</param>
    /// <param name="size">Its size in bytes.</param>
    public void Append(JobEvent entry, long number, int size)
    {
        TaskCompletionSource? changed;
        lock (_gate)
        {
            if (_isComplete)
            {
                return;
            }

            AppendNeedsLock(new Entry(entry, number, size));
            while (_count > limits.MaxEvents || ((_bytes > limits.MaxBytes || _shared is { IsExceeded: true }) && _count > 1))
            {
                DropOldestNeedsLock();
            }

            IsWakeDue = _changed is not null && !_isSmall;
            changed = _isSmall ? TakeChanged() : null;
        }

        changed?.TrySetResult();
    }

    /// <summary>Says that no event follows.</summary>
    /// <param name="failure">Makes the error that readers get behind the last event; null = the job has ended.</param>
    public void Complete(Func<Exception>? failure)
    {
        TaskCompletionSource? changed;
        lock (_gate)
        {
            if (_isComplete)
            {
                return;
            }

            _isComplete = true;
            _failure = failure;
            changed = TakeChanged();
        }

        changed?.TrySetResult();
    }

    /// <summary>Nobody follows the job any more: what is kept is no longer counted among what is shared.</summary>
    public void LeaveShared()
    {
        lock (_gate)
        {
            _shared?.Add(-_bytes);
            _shared = null;
        }
    }

    /// <summary>Wakes the readers that wait.</summary>
    public void Wake()
    {
        TaskCompletionSource? changed;
        lock (_gate)
        {
            changed = TakeChanged();
        }

        changed?.TrySetResult();
    }

    /// <summary>Copies the next events for a reader.</summary>
    /// <param name="after">The number above which it wants them.</param>
    /// <param name="cursor">How far it is in this log; 0 at first.</param>
    /// <param name="batch">Where to; empty.</param>
    /// <returns>What to wait for when there is nothing for it; null = it got something, or nothing follows.</returns>
    public Task? Read(long after, ref long cursor, List<JobEvent> batch)
    {
        lock (_gate)
        {
            if (cursor < _first)
            {
                if (_dropped > after)
                {
                    throw limits.Dropped();
                }

                cursor = _first; // what was let go was not meant anyway
            }

            long start = cursor;
            for (long end = Math.Min(_first + _count, cursor + BatchSize); cursor < end; cursor++)
            {
                ref Entry entry = ref _ring[cursor % _ring.Length];
                if (entry.Number > after)
                {
                    batch.Add(entry.Event);
                }
            }

            if (batch.Count > 0)
            {
                return null;
            }

            if (cursor > start)
            {
                return Task.CompletedTask; // there may be more behind what it does not want
            }

            if (!_isComplete)
            {
                _changed ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                return _changed.Task;
            }
        }

        return _failure is { } failure ? throw failure() : null;
    }

    // An entry stands where its number in this log, modulo the ring's length, says.
    private void AppendNeedsLock(Entry entry)
    {
        if (_count == _ring.Length)
        {
            var larger = new Entry[Math.Max(BatchSize, _count * 2)];
            for (long i = _first; i < _first + _count; i++)
            {
                larger[i % larger.Length] = _ring[i % _ring.Length];
            }

            _ring = larger;
        }

        _ring[(_first + _count) % _ring.Length] = entry;
        _count++;
        _bytes += entry.Size;
        _shared?.Add(entry.Size);
    }

    private void DropOldestNeedsLock()
    {
        ref Entry oldest = ref _ring[_first % _ring.Length];
        _bytes -= oldest.Size;
        _shared?.Add(-oldest.Size);
        _dropped = oldest.Number;
        oldest = default;
        _first++;
        _count--;
    }

    private TaskCompletionSource? TakeChanged()
    {
        TaskCompletionSource? changed = _changed;
        _changed = null;
        IsWakeDue = false;
        return changed;
    }

    private readonly record struct Entry(JobEvent Event, long Number, int Size);
}
