namespace Arcp.Client.Connections;

/// <summary>Decides when to acknowledge (§6.5): after so many events or so much time, whichever comes first; never less than before.</summary>
/// <remarks>Thread-safe. One per connection, so that what a lost connection may not have carried is acknowledged again.</remarks>
internal sealed class AckSchedule : IDisposable
{
    public const int MaxEvents = 256;

    public static readonly TimeSpan MaxDelay = TimeSpan.FromMilliseconds(200);

    private readonly Lock _gate = new();
    private readonly Action<long> _send;
    private readonly ITimer _timer;
    private long _processed;
    private long _acknowledged;
    private bool _isTimed;
    private bool _isDisposed;

    /// <summary>Starts with nothing to acknowledge.</summary>
    /// <param name="clock">The clock.</param>
    /// <param name="send">Queues an acknowledgement; must return at once.</param>
    public AckSchedule(TimeProvider clock, Action<long> send)
    {
        _send = send;
        _timer = clock.CreateTimer(static self => ((AckSchedule)self!).Flush(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Everything up to a number has been processed.</summary>
    public void OnProcessed(long seq)
    {
        lock (_gate)
        {
            _processed = Math.Max(_processed, seq);
            if (_processed - _acknowledged >= MaxEvents)
            {
                SendNeedsLock();
            }
            else if (_processed > _acknowledged && !_isTimed && !_isDisposed)
            {
                _isTimed = true;
                _timer.Change(MaxDelay, Timeout.InfiniteTimeSpan);
            }
        }
    }

    /// <summary>Acknowledges at once what has not been.</summary>
    public void Flush()
    {
        lock (_gate)
        {
            _isTimed = false;
            SendNeedsLock();
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _isDisposed = true;
            _timer.Dispose();
        }
    }

    private void SendNeedsLock()
    {
        if (_processed > _acknowledged && !_isDisposed)
        {
            _acknowledged = _processed;
            _send(_processed);
        }
    }
}
