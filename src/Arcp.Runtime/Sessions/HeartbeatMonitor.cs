using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Messages;
using Arcp.Core.Transports;
using Arcp.Runtime.Time;

namespace Arcp.Runtime.Sessions;

/// <summary>Watches one connection (§6.4) on the runtime's one timer: pings its peer, and ends it when the peer is gone.</summary>
internal sealed class HeartbeatMonitor : Deadline, IDisposable
{
    /// <summary>The part of an interval by which a ping may come too early, so that the pings of many connections share wake-ups.</summary>
    private const int ToleratedPart = 16;

    private readonly Session _session;
    private readonly SessionConnection _connection;
    private readonly SessionServices _services;
    private readonly SilenceClock _silence;
    private bool _isExact;

    /// <summary>Starts to watch.</summary>
    public HeartbeatMonitor(Session session, SessionConnection connection, SessionServices services)
    {
        _session = session;
        _connection = connection;
        _services = services;
        _silence = new SilenceClock(services.Clock, services.Options.HeartbeatInterval, Longest);
        _services.Deadlines.Schedule(services.Options.HeartbeatInterval, this);
    }

    /// <inheritdoc/>
    public override TimeSpan Tolerance => _isExact ? TimeSpan.Zero : Longest;

    private TimeSpan Longest => _services.Options.HeartbeatInterval / ToleratedPart;

    public void OnReceived() => _silence.OnReceived();

    public void OnSent() => _silence.OnSent();

    public void Dispose() => _services.Deadlines.Cancel(this);

    /// <inheritdoc/>
    public override void Run()
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

        _isExact = next <= Longest; // a peer is lost after two intervals and no sooner; to look for it too early would be to look again and again
        _services.Deadlines.Schedule(next, this);
    }

    private void EndLost()
    {
        var error = new ArcpException(ErrorCode.HeartbeatLost, "Nothing was received for two heartbeat intervals; the session can be resumed.");
        _connection.End(ConnectionEnd.OfAbsentPeer("nothing was received for two heartbeat intervals", _session.Frame(ControlFrames.ToSessionError(error))));
    }
}
