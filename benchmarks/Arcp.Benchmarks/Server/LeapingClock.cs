namespace Arcp.Benchmarks.Server;

/// <summary>The system's clock, which can be put forward: what a runtime does after minutes happens at once, and can be measured.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class LeapingClock : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly List<LeapingTimer> _timers = [];
    private long _offset;

    public override long GetTimestamp() => System.GetTimestamp() + Volatile.Read(ref _offset);

    public override long TimestampFrequency => System.TimestampFrequency;

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + GetElapsedTime(0, Volatile.Read(ref _offset));

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new LeapingTimer(() => callback(state), dueTime, period);
        lock (_lock)
        {
            _timers.Add(timer);
        }

        return timer;
    }

    /// <summary>Puts the clock forward and runs what has become due, on this thread.</summary>
    /// <returns>How long that took, in seconds.</returns>
    public double Leap(TimeSpan by)
    {
        LeapingTimer[] timers;
        lock (_lock)
        {
            timers = [.. _timers];
        }

        Interlocked.Add(ref _offset, (long)(by.TotalSeconds * TimestampFrequency));
        long start = System.GetTimestamp();
        foreach (LeapingTimer timer in timers)
        {
            timer.Fire();
        }

        return System.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>A timer that is armed with the system's, and fires early when the clock leaps. Its owner looks at the clock, so firing too early does no harm.</summary>
    private sealed class LeapingTimer : ITimer
    {
        private readonly Action _callback;
        private readonly ITimer _timer;

        public LeapingTimer(Action callback, TimeSpan dueTime, TimeSpan period)
        {
            _callback = callback;
            _timer = System.CreateTimer(static timer => ((LeapingTimer)timer!)._callback(), this, dueTime, period);
        }

        public void Fire() => _callback();

        public bool Change(TimeSpan dueTime, TimeSpan period) => _timer.Change(dueTime, period);

        public void Dispose() => _timer.Dispose();

        public ValueTask DisposeAsync() => _timer.DisposeAsync();
    }
}
