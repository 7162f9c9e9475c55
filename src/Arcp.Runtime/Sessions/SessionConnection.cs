using System.Diagnostics.CodeAnalysis;
using Arcp.Core.Transports;
using Arcp.Runtime.Diagnostics;

namespace Arcp.Runtime.Sessions;

/// <summary>One connection of a session: its read loop, its writer, and their end.</summary>
[SuppressMessage("Design", "CA1001", Justification = "A source without a timer holds nothing to dispose, and others may still abort.")]
internal sealed class SessionConnection(ITransport transport, FrameBuffer buffer, SessionServices services)
{
    /// <summary>How long a peer may take for the last frames of a connection.</summary>
    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(2);

    private readonly CancellationTokenSource _abort = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private SessionLoop? _loop;

    /// <summary>Runs until either side ends the connection; the session stays (§6.3).</summary>
    /// <param name="session">The session.</param>
    /// <param name="cancellationToken">Cuts the connection.</param>
    public async Task RunAsync(Session session, CancellationToken cancellationToken)
    {
        using CancellationTokenRegistration cut = cancellationToken.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), _abort);
        _loop = new SessionLoop(session, transport, buffer, services);
        var writer = new SessionWriter(session.Outbox, transport);
        Task<string> reading = _loop.RunAsync(_abort.Token);
        Task<string> writing = WriteAsync(writer);
        try
        {
            await Task.WhenAny(reading, writing).ConfigureAwait(false);
            string reason = await (reading.IsCompleted ? reading : writing).ConfigureAwait(false);
            await EndInOrderAsync(session, reading, writing).ConfigureAwait(false);
            Log.SessionDisconnected(services.Logger, session.Id, reason);
        }
        finally
        {
            session.Outbox.Complete();
            await AbortAsync().ConfigureAwait(false);
            try
            {
                await Task.WhenAll(reading, writing).ConfigureAwait(false);
            }
            finally
            {
                // Whatever went wrong: a session that still looked connected could neither expire nor be taken over.
                services.Sessions.Detach(session, this);
                _ended.TrySetResult();
            }
        }
    }

    /// <summary>Ends the connection with a last frame.</summary>
    /// <param name="session">The session.</param>
    /// <param name="lastFrame">The frame.</param>
    /// <param name="drain">Whether the events that there are now are sent before.</param>
    /// <param name="patience">How long the peer may take before the connection is cut.</param>
    public async Task EndAsync(Session session, ReadOnlyMemory<byte> lastFrame, bool drain, TimeSpan patience)
    {
        _loop?.StopDispatching();
        if (drain)
        {
            session.Outbox.CompleteWhenDrained(lastFrame);
        }
        else
        {
            session.Outbox.Complete(lastFrame);
        }

        try
        {
            await _ended.Task.WaitAsync(patience, services.Clock).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            await AbortAsync().ConfigureAwait(false);
            await _ended.Task.ConfigureAwait(false);
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

    // What is queued is sent, then our side is closed, then the peer has time to close its own: so it reads our last frame.
    private async Task EndInOrderAsync(Session session, Task reading, Task writing)
    {
        _loop!.StopDispatching();
        session.Outbox.Complete();
        using var patience = new CancellationTokenSource(DrainTime, services.Clock);
        try
        {
            await writing.WaitAsync(patience.Token).ConfigureAwait(false);
            await transport.CloseAsync(patience.Token).ConfigureAwait(false);
            if (!reading.IsCompleted)
            {
                await reading.WaitAsync(patience.Token).ConfigureAwait(false);
            }
            else if (!_loop.PeerHasClosed)
            {
                await PeerClosing.WaitAsync(transport, buffer, patience.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is TransportException or OperationCanceledException)
        {
            // The peer was not there to the end; nothing is lost by it.
        }
    }
}
