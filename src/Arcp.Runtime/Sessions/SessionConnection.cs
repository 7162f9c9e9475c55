using System.Diagnostics.CodeAnalysis;
using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Messages;
using Arcp.Core.Transports;
using Arcp.Runtime.Diagnostics;

namespace Arcp.Runtime.Sessions;

/// <summary>One connection of a session: its read loop, its writer, its heartbeat, and their end.</summary>
[SuppressMessage("Design", "CA1001", Justification = "A source without a timer holds nothing to dispose.")]
internal sealed class SessionConnection(ITransport transport, FrameBuffer buffer, SessionServices services)
{
    private readonly CancellationTokenSource _abort = new();
    private readonly TaskCompletionSource<ConnectionEnd> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private SessionLoop? _loop;

    /// <summary>Ends when the connection has said its last word and leaves the session alone: another one may have it while this one waits for its peer.</summary>
    public Task Released => _released.Task;

    /// <summary>Ends when the connection is over and nothing of it runs any more.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Runs until either side ends the connection; the session stays (§6.3).</summary>
    /// <param name="session">The session.</param>
    /// <param name="cancellationToken">Cuts the connection.</param>
    public async Task RunAsync(Session session, CancellationToken cancellationToken)
    {
        using CancellationTokenRegistration cut = cancellationToken.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), _abort);
        using HeartbeatMonitor? heartbeat = StartHeartbeat(session);
        var loop = new SessionLoop(session, transport, buffer, heartbeat, services);
        Volatile.Write(ref _loop, loop);
        var writer = new SessionWriter(session.Outbox, transport, heartbeat);
        Task<string> reading = loop.RunAsync(_abort.Token);
        Task<string> writing = WriteAsync(writer);
        try
        {
            await Task.WhenAny(reading, writing, _end.Task).ConfigureAwait(false);
            loop.StopDispatching();
            heartbeat?.Dispose();
            ConnectionEnd end = _end.Task.IsCompleted
                ? await _end.Task.ConfigureAwait(false)
                : new ConnectionEnd(await (reading.IsCompleted ? reading : writing).ConfigureAwait(false)) { AwaitPeer = !loop.PeerHasClosed };
            Log.SessionDisconnected(services.Logger, session.Id, end.Reason);
            await EndInOrderAsync(session, end, reading, writing).ConfigureAwait(false);
        }
        finally
        {
            if (!_released.Task.IsCompleted)
            {
                session.Outbox.Complete();
            }

            await AbortAsync().ConfigureAwait(false);
            try
            {
                await Task.WhenAll(reading, writing).ConfigureAwait(false);
            }
            finally
            {
                // Whatever went wrong: a session that still looked connected could neither expire nor be taken over.
                Release(session);
                services.Sessions.Detach(session, this);
                _ended.TrySetResult();
            }
        }
    }

    /// <summary>When this has returned, every request that was being looked at has been.</summary>
    public void CompleteDispatch() => Volatile.Read(ref _loop)?.CompleteDispatch();

    /// <summary>Ends the connection; the first call decides how. Returns at once, see <see cref="Ended"/>.</summary>
    public void End(ConnectionEnd end) => _end.TrySetResult(end);

    private HeartbeatMonitor? StartHeartbeat(Session session)
    {
        if (!session.Has(Features.Heartbeat))
        {
            return null;
        }

        return new HeartbeatMonitor(
            services.Clock,
            services.Deadlines,
            services.Options.HeartbeatInterval,
            ping: () => session.PostAtOnce(new SessionPing { Nonce = Ulid.MintWithPrefix("ping_", services.Clock.GetUtcNow()), SentAt = services.Clock.GetUtcNow() }),
            lost: () => End(ConnectionEnd.OfAbsentPeer("nothing was received for two heartbeat intervals", session.Frame(ControlFrames.ToSessionError(
                new ArcpException(ErrorCode.HeartbeatLost, "Nothing was received for two heartbeat intervals; the session can be resumed."))))));
    }

    // Once, and behind the writer's end: later the outbox may be another connection's.
    private void Release(Session session)
    {
        if (!_released.Task.IsCompleted)
        {
            session.Outbox.Complete();
            session.Outbox.Disconnect();
            _released.SetResult();
        }
    }

    private async Task AbortAsync()
    {
        try
        {
            await _abort.CancelAsync().ConfigureAwait(false);
            await transport.DisposeAsync().ConfigureAwait(false);
        }
#pragma warning disable CA1031 // A transport may be the host's; whatever it throws, the connection is over, and others wait for that.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Log.ConnectionFailed(services.Logger, e);
        }
    }

    private async Task<string> WriteAsync(SessionWriter writer)
    {
        try
        {
            await writer.RunAsync(_abort.Token).ConfigureAwait(false);
            return "the runtime has closed it";
        }
        catch (Exception e) when (e is TransportException or OperationCanceledException)
        {
            return "the connection is lost";
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
                await PeerClosing.WaitAsync(transport, buffer, either.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is TransportException or OperationCanceledException)
        {
            // The peer was not there to the end; nothing is lost by it.
        }
    }
}
