namespace Arcp.Runtime.Time;

/// <summary>All deadlines of a runtime on one timer: handshakes, heartbeats, resume windows, retention, running times.</summary>
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
    private long _lastNumber;
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
        var deadline = new CallbackDeadline(this, callback);
        Schedule(due, deadline);
        return deadline;
    }

    /// <summary>Schedules a deadline that is not pending; one that was cancelled stays so.</summary>
    public void Schedule(TimeSpan due, Deadline deadline)
    {
        long delta = ToTicks(due);
        long ticks = delta == long.MaxValue ? long.MaxValue : _clock.GetTimestamp() + delta; // never beyond the end of time, which is in the past
        lock (_lock)
        {
            if (!_disposed && !deadline.IsCancelled)
            {
                deadline.Ticks = ticks;
                deadline.Number = ++_lastNumber;
                _pending.Add(deadline);
                Arm();
            }
        }
    }

    /// <summary>Calls a deadline off, for good.</summary>
    public void Cancel(Deadline deadline)
    {
        lock (_lock)
        {
            deadline.IsCancelled = true;
            _pending.Remove(deadline);
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

    private void RunDue()
    {
        while (TakeDue() is { } deadline)
        {
            deadline.Run();
        }
    }

    private Deadline? TakeDue()
    {
        lock (_lock)
        {
            if (_pending.Min is { } first && first.Ticks - ToTicks(first.Tolerance) <= _clock.GetTimestamp())
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

    private long ToTicks(TimeSpan time)
    {
        double ticks = Math.Ceiling(Math.Max(time.TotalSeconds, 0) * _clock.TimestampFrequency);
        return ticks >= long.MaxValue / 2 ? long.MaxValue : (long)ticks;
    }

    private sealed class CallbackDeadline(DeadlineQueue queue, Action callback) : Deadline, IDisposable
    {
        public override void Run() => callback();

        public void Dispose() => queue.Cancel(this);
    }
}

/// <summary>Something that happens at a time, or shortly before it, unless it is cancelled. Belongs to one <see cref="DeadlineQueue"/>, which may be given it again when it has happened.</summary>
internal abstract class Deadline
{
    public static readonly IComparer<Deadline> Order = Comparer<Deadline>.Create(
        static (a, b) => a.Ticks != b.Ticks ? a.Ticks.CompareTo(b.Ticks) : a.Number.CompareTo(b.Number));

    /// <summary>When. Belongs to the queue, like all that can be set.</summary>
    public long Ticks { get; set; }

    /// <summary>Its place among those of the same time.</summary>
    public long Number { get; set; }

    public bool IsCancelled { get; set; }

    /// <summary>How much too early it may happen, if the queue is at work anyway: many such deadlines then cost one wake-up.</summary>
    public virtual TimeSpan Tolerance => TimeSpan.Zero;

    public abstract void Run();
}
