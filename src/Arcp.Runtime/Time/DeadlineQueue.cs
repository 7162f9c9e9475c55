namespace Arcp.Runtime.Time;

/// <summary>All deadlines of a runtime on one timer: handshakes, resume windows, retention, running times.</summary>
/// <remarks>
/// Thread-safe. Deadlines are kept on the monotonic clock, so setting the wall clock moves none of them. Callbacks run one after the other
/// on the timer's thread, outside the lock: they must be short and must not throw.
/// </remarks>
internal sealed class DeadlineQueue : IDisposable
{
    private static readonly TimeSpan Longest = TimeSpan.FromDays(40);

    private readonly Lock _lock = new();
    private readonly TimeProvider _clock;
    private readonly SortedSet<Deadline> _pending = new(Deadline.Order);
    private readonly ITimer _timer;
    private long _nextNumber;
    private long _armedFor = long.MaxValue;
    private bool _disposed;

    public DeadlineQueue(TimeProvider clock)
    {
        _clock = clock;
        _timer = clock.CreateTimer(static queue => ((DeadlineQueue)queue!).RunDue(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>How many deadlines are pending.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _pending.Count;
            }
        }
    }

    /// <summary>Calls back once when the time has passed; disposing the result calls it off.</summary>
    public IDisposable Schedule(TimeSpan due, Action callback)
    {
        double delta = Math.Ceiling(Math.Max(due.TotalSeconds, 0) * _clock.TimestampFrequency);
        long ticks = delta >= long.MaxValue / 2 ? long.MaxValue : _clock.GetTimestamp() + (long)delta; // never beyond the end of time, which is in the past
        lock (_lock)
        {
            var deadline = new Deadline(this, ticks, _nextNumber++, callback);
            if (!_disposed)
            {
                _pending.Add(deadline);
                Arm();
            }

            return deadline;
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            _pending.Clear();
        }

        _timer.Dispose();
    }

    private void Cancel(Deadline deadline)
    {
        lock (_lock)
        {
            _pending.Remove(deadline);
        }
    }

    private void RunDue()
    {
        while (TakeDue() is { } deadline)
        {
            deadline.Callback();
        }
    }

    private Deadline? TakeDue()
    {
        lock (_lock)
        {
            if (_pending.Min is { } first && first.Ticks <= _clock.GetTimestamp())
            {
                _pending.Remove(first);
                return first;
            }

            _armedFor = long.MaxValue;
            Arm();
            return null;
        }
    }

    // Needs the lock. The timer is only ever moved forward here; a cancelled first deadline costs one idle tick.
    private void Arm()
    {
        if (_disposed || _pending.Min is not { } first || first.Ticks >= _armedFor)
        {
            return;
        }

        _armedFor = first.Ticks;
        double seconds = Math.Max(0, (double)(first.Ticks - _clock.GetTimestamp()) / _clock.TimestampFrequency);
        TimeSpan due = seconds >= Longest.TotalSeconds ? Longest : TimeSpan.FromMilliseconds(Math.Ceiling(seconds * 1000));
        _timer.Change(due, Timeout.InfiniteTimeSpan);
    }

    private sealed class Deadline(DeadlineQueue queue, long ticks, long number, Action callback) : IDisposable
    {
        public static readonly IComparer<Deadline> Order = Comparer<Deadline>.Create(
            static (a, b) => a.Ticks != b.Ticks ? a.Ticks.CompareTo(b.Ticks) : a._number.CompareTo(b._number));

        private readonly long _number = number;

        public long Ticks { get; } = ticks;

        public Action Callback { get; } = callback;

        public void Dispose() => queue.Cancel(this);
    }
}
