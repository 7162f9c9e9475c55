namespace Arcp.Client.Connections;

/// <summary>Watches one connection (§6.4): pings when nothing was sent or nothing was received for an interval, gives up when nothing was received for two.</summary>
/// <remarks>Reading and writing only note the time; one timer looks at it when an interval may have passed, so busy traffic costs no timers and in one direction hides no silence in the other.</remarks>
internal sealed class SilenceWatch : IDisposable
{
    private readonly TimeProvider _clock;
    private readonly TimeSpan _interval;
    private readonly Action _ping;
    private readonly Action _lost;
    private readonly Lock _gate = new();
    private readonly ITimer _timer;
    private bool _isDisposed;
    private long _lastReceived;
    private long _lastSent;
    private long _lastPing;

    /// <summary>Starts to watch.</summary>
    /// <param name="clock">The clock.</param>
    /// <param name="interval">The heartbeat interval.</param>
    /// <param name="ping">Queues a ping; must return at once.</param>
    /// <param name="lost">Ends the connection; must return at once.</param>
    public SilenceWatch(TimeProvider clock, TimeSpan interval, Action ping, Action lost)
    {
        _clock = clock;
        _interval = interval;
        _ping = ping;
        _lost = lost;
        _lastReceived = _lastSent = _lastPing = clock.GetTimestamp();
        _timer = clock.CreateTimer(static self => ((SilenceWatch)self!).Look(), this, interval, Timeout.InfiniteTimeSpan);
    }

    public void OnReceived() => Volatile.Write(ref _lastReceived, _clock.GetTimestamp());

    public void OnSent() => Volatile.Write(ref _lastSent, _clock.GetTimestamp());

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
        TimeSpan silentFor = _clock.GetElapsedTime(Volatile.Read(ref _lastReceived));
        TimeSpan mutedFor = _clock.GetElapsedTime(Volatile.Read(ref _lastSent));
        if (silentFor >= 2 * _interval)
        {
            _lost();
            return;
        }

        // One ping per silence and interval: the runtime's answer, or the frame that carries the ping, ends it.
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
        lock (_gate)
        {
            if (!_isDisposed)
            {
                _timer.Change(untilIdle < untilLost ? untilIdle : untilLost, Timeout.InfiniteTimeSpan);
            }
        }
    }
}
