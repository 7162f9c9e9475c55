using System.Diagnostics.CodeAnalysis;
using Arcp.Core;
using Arcp.Core.Transports;
using Arcp.Runtime.Diagnostics;
using Arcp.Runtime.Time;

namespace Arcp.Runtime.Sessions;

/// <summary>One connection of a session: its read loop, its writer, its heartbeat, and their end.</summary>
[SuppressMessage("Design", "CA1001", Justification = "A source without a timer holds nothing to dispose.")]
internal sealed class SessionConnection(ITransport transport, SessionServices services) : IAsyncDisposable
{
    private readonly CancellationTokenSource _abort = new();
    private readonly TaskCompletionSource<ConnectionEnd> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private EndSignal _released;
    private EndSignal _ended;
    private Session? _session;
    private SessionLoop? _loop;
    private HeartbeatMonitor? _heartbeat;
    private Task _reading = Task.CompletedTask;
    private Task _writing = Task.CompletedTask;
    private CancellationTokenRegistration _cut;

    public ITransport Transport => transport;

    /// <summary>Lent to the one read that is under way.</summary>
    public FrameBuffer Buffer { get; } = new(services.Options.MaxFrameBytes);

    /// <summary>Ends when the connection has said its last word and leaves the session alone: another one may have it while this one waits for its peer.</summary>
    public Task Released => _released.Task;

    /// <summary>Ends when the connection is over and nothing of it runs any more.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Starts to serve a session.</summary>
    /// <param name="session">The session.</param>
    /// <param name="cancellationToken">Cuts the connection.</param>
    /// <returns>How the connection ends, as soon as either side wants it to end; then <see cref="FinishAsync"/> has to be called.</returns>
    public Task<ConnectionEnd> Start(Session session, CancellationToken cancellationToken)
    {
        _session = session;
        _heartbeat = session.Has(Features.Heartbeat) ? new HeartbeatMonitor(session, this, services) : null;
        Volatile.Write(ref _loop, new SessionLoop(session, this, _heartbeat, services));
        _cut = cancellationToken.UnsafeRegister(static connection => ((SessionConnection)connection!).Cut(), this);
        _reading = _loop.RunAsync();
        _writing = new SessionWriter(session.Outbox, this, _heartbeat).RunAsync(_abort.Token);
        return _end.Task;
    }

    /// <summary>Ends what <see cref="Start"/> has begun; the session stays (§6.3).</summary>
    public async Task FinishAsync(ConnectionEnd end)
    {
        Session session = _session!;
        try
        {
            _loop!.StopDispatching();
            _heartbeat?.Dispose();
            Log.SessionDisconnected(services.Logger, session.Id, end.Reason);
            await EndInOrderAsync(session, end).ConfigureAwait(false);
        }
        finally
        {
            if (!_released.IsSet)
            {
                session.Outbox.Complete();
            }

            await AbortAsync(session).ConfigureAwait(false);
            try
            {
                await Task.WhenAll(_reading, _writing).ConfigureAwait(false);
            }
            finally
            {
                // Whatever went wrong: a session that still looked connected could neither expire nor be taken over.
                Release(session);
                services.Sessions.Detach(session, this);
                await _cut.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    /// <summary>When this has returned, every request that was being looked at has been.</summary>
    public void CompleteDispatch() => Volatile.Read(ref _loop)?.CompleteDispatch();

    /// <summary>Ends the connection; the first call decides how. Returns at once, see <see cref="Ended"/>.</summary>
    public void End(ConnectionEnd end) => _end.TrySetResult(end);

    /// <summary>Called by either loop when it has ended, which ends the connection.</summary>
    public void OnLoopEnded(string reason) => End(new ConnectionEnd(reason) { AwaitPeer = Volatile.Read(ref _loop) is not { PeerHasClosed: true } });

    /// <summary>Ends the connection without another word. Returns at once.</summary>
    public void Cut()
    {
        End(new ConnectionEnd("it was cut") { AwaitPeer = false });
        _abort.Cancel();
    }

    /// <summary>Called once, by whoever runs the connection, when nothing of it runs any more.</summary>
    public void OnEnded() => _ended.Set();

    /// <summary>Disposes the transport; to be called when nothing reads any more.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await transport.DisposeAsync().ConfigureAwait(false);
        }
#pragma warning disable CA1031 // A transport may be the host's; whatever it throws, the connection is over, and others wait for that.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Log.ConnectionFailed(services.Logger, e);
        }

        Buffer.Dispose();
    }

    // Once, and behind the writer's end: later the outbox may be another connection's.
    private void Release(Session session)
    {
        if (!_released.IsSet)
        {
            session.Outbox.Complete();
            session.Outbox.Disconnect();
            _released.Set();
        }
    }

    // The read waits without a token: it ends with the transport.
    private async Task AbortAsync(Session session)
    {
        try
        {
            await _abort.CancelAsync().ConfigureAwait(false);
            if (!_released.IsSet)
            {
                session.Outbox.Wake(); // the writer looks at its token
            }

            await transport.DisposeAsync().ConfigureAwait(false);
        }
#pragma warning disable CA1031 // As above.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Log.ConnectionFailed(services.Logger, e);
        }
    }

    // What is queued is sent, then our side is closed, then the peer has time to close its own: a socket that is disposed before may be reset,
    // and the peer would not see our last frame.
    private async Task EndInOrderAsync(Session session, ConnectionEnd end)
    {
        using var patience = new CancellationTokenSource(end.Patience, services.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, _abort.Token);
        if (end is { Drain: true, LastFrame: { } frame })
        {
            session.Outbox.CompleteWhenDrained(frame);
        }
        else
        {
            session.Outbox.Complete(end.LastFrame);
        }

        try
        {
            await _writing.WaitAsync(either.Token).ConfigureAwait(false);
            Release(session);
            await transport.CloseAsync(either.Token).ConfigureAwait(false);
            if (end.AwaitPeer && !_reading.IsCompleted)
            {
                await _reading.WaitAsync(either.Token).ConfigureAwait(false);
            }
            else if (end.AwaitPeer)
            {
                await PeerClosing.WaitAsync(transport, Buffer, either.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is TransportException or OperationCanceledException)
        {
            // The peer was not there to the end; nothing is lost by it.
        }
    }
}
