using System.Runtime.CompilerServices;
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

    private readonly Lock _gate = new();
    private Entry[] _ring = [];
    private int _count;
    private long _first;
    private long _dropped;
    private long _bytes;
    private bool _isComplete;
    private Func<Exception>? _failure;
    private TaskCompletionSource? _changed;
    private SharedMemory? _shared = shared;

    /// <summary>Appends an event; after <see cref="Complete"/> nothing happens.</summary>
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

            changed = TakeChanged();
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

    /// <summary>Reads all events whose number is higher than the given one.</summary>
    public async IAsyncEnumerable<JobEvent> ReadAsync(long after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        long cursor = 0;
        var batch = new List<Entry>(BatchSize);
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Task? changed = null;
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

                CopyNeedsLock(cursor, batch);
                if (batch.Count == 0)
                {
                    if (_isComplete)
                    {
                        break;
                    }

                    _changed ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                    changed = _changed.Task;
                }
            }

            cursor += batch.Count;
            foreach (Entry entry in batch)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (entry.Number > after)
                {
                    yield return entry.Event;
                }
            }

            batch.Clear();
            if (changed is not null)
            {
                await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
            }
        }

        if (_failure is { } failure)
        {
            throw failure();
        }
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

    private void CopyNeedsLock(long cursor, List<Entry> batch)
    {
        for (long end = Math.Min(_first + _count, cursor + BatchSize); cursor < end; cursor++)
        {
            batch.Add(_ring[cursor % _ring.Length]);
        }
    }

    private TaskCompletionSource? TakeChanged()
    {
        TaskCompletionSource? changed = _changed;
        _changed = null;
        return changed;
    }

    private readonly record struct Entry(JobEvent Event, long Number, int Size);
}
