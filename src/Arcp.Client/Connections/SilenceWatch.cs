using Arcp.Core.Transports;

namespace Arcp.Client.Connections;

/// <summary>Watches one connection (§6.4) with one timer.</summary>
internal sealed class SilenceWatch : IDisposable
{
    private readonly SilenceClock _silence;
    private readonly Action _ping;
    private readonly Action _lost;
    private readonly Lock _gate = new();
    private readonly ITimer _timer;
    private bool _isDisposed;

    /// <summary>Starts to watch.</summary>
    /// <param name="clock">The clock.</param>
    /// <param name="interval">The heartbeat interval.</param>
    /// <param name="ping">Queues a ping; must return at once.</param>
    /// <param name="lost">Ends the connection; must return at once.</param>
    public SilenceWatch(TimeProvider clock, TimeSpan interval, Action ping, Action lost)
    {
        _silence = new SilenceClock(clock, interval);
        _ping = ping;
        _lost = lost;
        _timer = clock.CreateTimer(static self => ((SilenceWatch)self!).Look(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _timer.Change(interval, Timeout.InfiniteTimeSpan); // not before it is known here: a thread may be held up for longer than an interval
    }

    public void OnReceived() => _silence.OnReceived();

    public void OnSent() => _silence.OnSent();

    public void Dispose()
    {
        lock (_gate)
        {
            _isDisposed = true;
            _timer.Dispose();
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

        lock (_gate)
        {
            if (!_isDisposed)
            {
                _timer.Change(next, Timeout.InfiniteTimeSpan);
            }
        }
    }
}
