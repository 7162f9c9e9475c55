using Arcp.Runtime.Time;

namespace Arcp.Runtime.Sessions;

/// <summary>Watches one connection (§6.4): pings when nothing was sent or nothing was received for an interval, gives up when nothing was received for two.</summary>
/// <remarks>
/// Reading and writing only note the time; the shared deadline queue looks at it when an interval may have passed, so busy traffic in one
/// direction neither costs a timer nor hides silence in the other.
/// </remarks>
internal sealed class HeartbeatMonitor : IDisposable
{
    private readonly TimeProvider _clock;
    private readonly DeadlineQueue _deadlines;
    private readonly TimeSpan _interval;
    private readonly Action _ping;
    private readonly Action _lost;
    private readonly Lock _lock = new();
    private IDisposable? _next;
    private bool _isDisposed;
    private long _lastReceived;
    private long _lastSent;
    private long _lastPing;

    /// <summary>Starts to watch.</summary>
    /// <param name="clock">The clock.</param>
    /// <param name="deadlines">Where the next look is scheduled.</param>
    /// <param name="interval">The heartbeat interval.</param>
    /// <param name="ping">Queues a ping.</param>
    /// <param name="lost">Ends the connection; must return at once.</param>
    public HeartbeatMonitor(TimeProvider clock, DeadlineQueue deadlines, TimeSpan interval, Action ping, Action lost)
    {
        _clock = clock;
        _deadlines = deadlines;
        _interval = interval;
        _ping = ping;
        _lost = lost;
        _lastReceived = _lastSent = _lastPing = clock.GetTimestamp();
        ScheduleNext(_interval);
    }

    public void OnReceived() => Volatile.Write(ref _lastReceived, _clock.GetTimestamp());

    public void OnSent() => Volatile.Write(ref _lastSent, _clock.GetTimestamp());

    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            _next?.Dispose();
            _next = null;
        }
    }

    private void Look()
    {
        TimeSpan silentFor = _clock.GetElapsedTime(Volatile.Read(ref _lastReceived));
        TimeSpan mutedFor = _clock.GetElapsedTime(Volatile.Read(ref _lastSent));
        if (silentFor >= 2 * _interval)
        {
            _lost();
            return;
        }

        // One ping per silence and interval: the peer's answer, or the frame that carries the ping, ends it.
        TimeSpan sincePing = _clock.GetElapsedTime(_lastPing);
        TimeSpan idleFor = silentFor > mutedFor ? silentFor : mutedFor;
        if (idleFor >= _interval && sincePing >= _interval)
        {
            _lastPing = _clock.GetTimestamp();
            sincePing = TimeSpan.Zero;
            _ping();
        }

        TimeSpan untilIdle = idleFor >= _interval ? _interval - sincePing : _interval - idleFor;
        TimeSpan untilLost = (2 * _interval) - silentFor;
        ScheduleNext(untilIdle < untilLost ? untilIdle : untilLost);
    }

    private void ScheduleNext(TimeSpan due)
    {
        lock (_lock)
        {
            if (!_isDisposed)
            {
                _next = _deadlines.Schedule(due, Look);
            }
        }
    }
}
