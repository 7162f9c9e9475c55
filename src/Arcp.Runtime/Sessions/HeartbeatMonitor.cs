using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Messages;
using Arcp.Core.Transports;

namespace Arcp.Runtime.Sessions;

/// <summary>Watches one connection (§6.4) on the runtime's one timer: pings its peer, and ends it when the peer is gone.</summary>
internal sealed class HeartbeatMonitor : IDisposable
{
    private readonly Session _session;
    private readonly SessionConnection _connection;
    private readonly SessionServices _services;
    private readonly SilenceClock _silence;
    private readonly Action _look;
    private IDisposable? _next;
    private bool _isDisposed;

    /// <summary>Starts to watch.</summary>
    public HeartbeatMonitor(Session session, SessionConnection connection, SessionServices services)
    {
        _session = session;
        _connection = connection;
        _services = services;
        _silence = new SilenceClock(services.Clock, services.Options.HeartbeatInterval);
        _look = Look;
        ScheduleNext(services.Options.HeartbeatInterval);
    }

    public void OnReceived() => _silence.OnReceived();

    public void OnSent() => _silence.OnSent();

    public void Dispose()
    {
        lock (_look)
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
            EndLost();
            return;
        }

        if (verdict is SilenceVerdict.Ping)
        {
            DateTimeOffset now = _services.Clock.GetUtcNow();
            _session.PostAtOnce(new SessionPing { Nonce = Ulid.MintWithPrefix("ping_", now), SentAt = now });
        }

        ScheduleNext(next);
    }

    private void EndLost()
    {
        var error = new ArcpException(ErrorCode.HeartbeatLost, "Nothing was received for two heartbeat intervals; the session can be resumed.");
        _connection.End(ConnectionEnd.OfAbsentPeer("nothing was received for two heartbeat intervals", _session.Frame(ControlFrames.ToSessionError(error))));
    }

    private void ScheduleNext(TimeSpan due)
    {
        lock (_look)
        {
            if (!_isDisposed)
            {
                _next = _services.Deadlines.Schedule(due, _look);
            }
        }
    }
}
