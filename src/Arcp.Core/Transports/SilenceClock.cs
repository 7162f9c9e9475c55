namespace Arcp.Core.Transports;

/// <summary>Decides when a connection has to be pinged and when it is lost (§6.4): a ping when nothing was sent or nothing was received for an interval, loss when nothing was received for two.</summary>
/// <remarks>
/// Noting traffic is thread-safe and costs no timer; whoever owns the connection looks again after the time that <see cref="Look"/> gives,
/// one look at a time. Busy traffic in one direction hides no silence in the other.
/// </remarks>
public sealed class SilenceClock
{
    private readonly TimeProvider _clock;
    private readonly TimeSpan _interval;
    private readonly TimeSpan _pingAfter;
    private long _lastReceived;
    private long _lastSent;
    private long _lastPing;

    /// <summary>Starts to count; the first look is due after one interval.</summary>
    /// <param name="clock">The clock; its monotonic timestamps are used.</param>
    /// <param name="interval">The heartbeat interval; greater than 0.</param>
    /// <param name="tolerance">How much earlier than after an interval a look may already say to ping, so that one wake-up may look at many connections; 0 (the default) to less than the interval.</param>
    public SilenceClock(TimeProvider clock, TimeSpan interval, TimeSpan tolerance = default)
    {
        ArgumentNullException.ThrowIfNull(clock);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(interval, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(tolerance, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(tolerance, interval);
        _clock = clock;
        _interval = interval;
        _pingAfter = interval - tolerance;
        _lastReceived = _lastSent = _lastPing = clock.GetTimestamp();
    }

    /// <summary>Notes that something was received.</summary>
    public void OnReceived() => Volatile.Write(ref _lastReceived, _clock.GetTimestamp());

    /// <summary>Notes that something was sent.</summary>
    public void OnSent() => Volatile.Write(ref _lastSent, _clock.GetTimestamp());

    /// <summary>Says what has to be done now.</summary>
    /// <param name="next">When to look again; meaningless after <see cref="SilenceVerdict.Lost"/>.</param>
    public SilenceVerdict Look(out TimeSpan next)
    {
        TimeSpan silentFor = _clock.GetElapsedTime(Volatile.Read(ref _lastReceived));
        TimeSpan mutedFor = _clock.GetElapsedTime(Volatile.Read(ref _lastSent));
        TimeSpan untilLost = (2 * _interval) - silentFor;
        if (untilLost <= TimeSpan.Zero)
        {
            next = TimeSpan.Zero;
            return SilenceVerdict.Lost;
        }

        // One ping per silence and interval: the peer's answer, or the frame that carries the ping, ends it.
        TimeSpan sincePing = _clock.GetElapsedTime(_lastPing);
        TimeSpan idleFor = silentFor > mutedFor ? silentFor : mutedFor;
        bool isDue = idleFor >= _pingAfter && sincePing >= _pingAfter;
        if (isDue)
        {
            _lastPing = _clock.GetTimestamp();
            sincePing = TimeSpan.Zero;
        }

        TimeSpan untilIdle = idleFor >= _pingAfter ? _interval - sincePing : _interval - idleFor;
        next = untilIdle < untilLost ? untilIdle : untilLost;
        return isDue ? SilenceVerdict.Ping : SilenceVerdict.Quiet;
    }
}

/// <summary>What a look at a connection's silence comes to.</summary>
public enum SilenceVerdict
{
    /// <summary>Nothing has to be done.</summary>
    Quiet,

    /// <summary>The peer has to be pinged.</summary>
    Ping,

    /// <summary>The connection is lost.</summary>
    Lost,
}
