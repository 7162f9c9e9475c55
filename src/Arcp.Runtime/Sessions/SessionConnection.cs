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
    private SessionLoop? _loop;

    public ITransport Transport => transport;

    /// <summary>Lent to the one read that is under way.</summary>
    public FrameBuffer Buffer { get; } = new(services.Options.MaxFrameBytes);

    /// <summary>Ends when the connection has said its last word and leaves the session alone: another one may have it while this one waits for its peer.</summary>
    public Task Released => _released.Task;

    /// <summary>Ends when the connection is over and nothing of it runs any more.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Runs until either side ends the connection; the session stays (§6.3).</summary>
    /// <param name="session">The session.</param>
    /// <param name="cancellationToken">Cuts the connection.</param>
    public async Task RunAsync(Session session, CancellationToken cancellationToken)
    {
        using CancellationTokenRegistration cut = cancellationToken.UnsafeRegister(static connection => ((SessionConnection)connection!).Cut(), this);
        using HeartbeatMonitor? heartbeat = session.Has(Features.Heartbeat) ? new HeartbeatMonitor(session, this, services) : null;
        var loop = new SessionLoop(session, this, heartbeat, services);
        Volatile.Write(ref _loop, loop);
        Task reading = loop.RunAsync();
        Task writing = new SessionWriter(session.Outbox, this, heartbeat).RunAsync(_abort.Token);
        try
        {
            ConnectionEnd end = await _end.Task.ConfigureAwait(false);
            loop.StopDispatching();
            heartbeat?.Dispose();
            Log.SessionDisconnected(services.Logger, session.Id, end.Reason);
            await EndInOrderAsync(session, end, reading, writing).ConfigureAwait(false);
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
                await Task.WhenAll(reading, writing).ConfigureAwait(false);
            }
            finally
            {
                // Whatever went wrong: a session that still looked connected could neither expire nor be taken over.
                Release(session);
                services.Sessions.Detach(session, this);
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
    private async Task EndInOrderAsync(Session session, ConnectionEnd end, Task reading, Task writing)
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
            await writing.WaitAsync(either.Token).ConfigureAwait(false);
            Release(session);
            await transport.CloseAsync(either.Token).ConfigureAwait(false);
            if (end.AwaitPeer && !reading.IsCompleted)
            {
                await reading.WaitAsync(either.Token).ConfigureAwait(false);
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
