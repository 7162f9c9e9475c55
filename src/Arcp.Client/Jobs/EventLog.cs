using System.Runtime.CompilerServices;
using Arcp.Core.Messages;

namespace Arcp.Client.Jobs;

/// <summary>The events of one job as they came. One writer appends and never waits; any number of readers follow, each at its own pace with a cursor of its own.</summary>
/// <remarks>
/// Thread-safe. Every event is kept until the last handle of the job is let go, because each consumer is promised all of them from the start:
/// memory grows with the job's events, whether or not anybody reads. This is the one place that bounds will have to be put into.
/// </remarks>
internal sealed class EventLog
{
    private const int FirstCapacity = 16;

    private readonly Lock _gate = new();
    private JobEvent[] _events = [];
    private int _count;
    private bool _isComplete;
    private Func<Exception>? _failure;
    private TaskCompletionSource? _changed;

    /// <summary>Appends an event; after <see cref="Complete"/> nothing happens.</summary>
    public void Append(JobEvent entry)
    {
        TaskCompletionSource? changed;
        lock (_gate)
        {
            if (_isComplete)
            {
                return;
            }

            if (_count == _events.Length)
            {
                // Readers hold the array that they saw; what is below the count never changes in either.
                Array.Resize(ref _events, Math.Max(FirstCapacity, _count * 2));
            }

            _events[_count++] = entry;
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

    /// <summary>Reads all events from the first on.</summary>
    public async IAsyncEnumerable<JobEvent> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        int cursor = 0;
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            JobEvent[] events;
            int count;
            Task? changed = null;
            lock (_gate)
            {
                (events, count) = (_events, _count);
                if (cursor == count)
                {
                    if (_isComplete)
                    {
                        break;
                    }

                    _changed ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                    changed = _changed.Task;
                }
            }

            for (; cursor < count; cursor++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                yield return events[cursor];
            }

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

    private TaskCompletionSource? TakeChanged()
    {
        TaskCompletionSource? changed = _changed;
        _changed = null;
        return changed;
    }
}
