using Arcp.Core.Transports;
using Arcp.Runtime.Time;

namespace Arcp.Runtime.Sessions;

/// <summary>Watches one connection (§6.4) on the runtime's one timer.</summary>
internal sealed class HeartbeatMonitor : IDisposable
{
    private readonly SilenceClock _silence;
    private readonly DeadlineQueue _deadlines;
    private readonly Action _ping;
    private readonly Action _lost;
    private readonly Lock _lock = new();
    private IDisposable? _next;
    private bool _isDisposed;

    /// <summary>Starts to watch.</summary>
    /// <param name="clock">The clock.</param>
    /// <param name="deadlines">Where the next look is scheduled.</param>
    /// <param name="interval">The heartbeat interval.</param>
    /// <param name="ping">Queues a ping.</param>
    /// <param name="lost">Ends the connection; must return at once.</param>
    public HeartbeatMonitor(TimeProvider clock, DeadlineQueue deadlines, TimeSpan interval, Action ping, Action lost)
    {
        _silence = new SilenceClock(clock, interval);
        _deadlines = deadlines;
        _ping = ping;
        _lost = lost;
        ScheduleNext(interval);
    }

    public void OnReceived() => _silence.OnReceived();

    public void OnSent() => _silence.OnSent();

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
        SilenceVerdict verdict = _silence.Look(out TimeSpan next);
        if (verdict is SilenceVerdict.Lost)
        {
            _lost();
            return;
        }

        if (verdict is SilenceVerdict.Ping)
        {
            _ping();
        }

        ScheduleNext(next);
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
