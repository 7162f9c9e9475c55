using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Serialization;
using Arcp.Core.Transports;
using Arcp.Runtime.Authentication;
using Arcp.Runtime.Diagnostics;

namespace Arcp.Runtime.Sessions;

/// <summary>Serves connections from their first byte to their last.</summary>
internal sealed class ConnectionHost(SessionServices services)
{
    private static readonly TimeSpan FarewellTime = TimeSpan.FromSeconds(2);

    private readonly Handshake _handshake = new(services);
    private int _unwelcomed;

    /// <summary>How many connections wait for their welcome.</summary>
    public int UnwelcomedCount => Volatile.Read(ref _unwelcomed);

    /// <summary>Serves one connection and disposes its transport.</summary>
    /// <param name="transport">The connection.</param>
    /// <param name="context">What the host knows of it.</param>
    /// <param name="noMoreSessions">Ends the wait of a connection that has no session yet: the runtime is shutting down.</param>
    /// <param name="cancellationToken">Cuts the connection.</param>
    public async Task RunAsync(ITransport transport, ConnectionContext context, CancellationToken noMoreSessions, CancellationToken cancellationToken)
    {
        using var buffer = new FrameBuffer(services.Options.MaxFrameBytes);
        await using (transport.ConfigureAwait(false))
        {
            var connection = new SessionConnection(transport, buffer, services);
            if (await WelcomeAsync(transport, buffer, connection, context, noMoreSessions, cancellationToken).ConfigureAwait(false) is { } session)
            {
                await connection.RunAsync(session, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Makes a session of the connection, or answers why not.</summary>
    private async Task<Session?> WelcomeAsync(
        ITransport transport, FrameBuffer buffer, SessionConnection connection, ConnectionContext context, CancellationToken noMoreSessions, CancellationToken cancellationToken)
    {
        using var time = new CancellationTokenSource(services.Options.HandshakeTimeout, services.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(time.Token, noMoreSessions, cancellationToken);
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(noMoreSessions, cancellationToken);
        Task<FrameReadStatus> reading = Task.FromResult(FrameReadStatus.Closed);
        FrameHeader answered = default;
        ArcpException refusal;
        try
        {
            if (Interlocked.Increment(ref _unwelcomed) > services.Options.MaxUnwelcomedConnections)
            {
                throw new ArcpException(
                    ErrorCode.InternalError,
                    $"The limit of {services.Options.MaxUnwelcomedConnections} connections without a session is reached; try again later.",
                    retryable: true);
            }

            reading = transport.ReadAsync(buffer, CancellationToken.None).AsTask();
            Envelope first = Handshake.Decode(await reading.WaitAsync(either.Token).ConfigureAwait(false), buffer, out answered);
            return await _handshake.PerformAsync(first, connection, context, stopping.Token, either.Token).ConfigureAwait(false);
        }
        catch (ArcpException e)
        {
            refusal = e;
        }
        catch (OperationCanceledException)
        {
            refusal = noMoreSessions.IsCancellationRequested || cancellationToken.IsCancellationRequested
                ? new ArcpException(ErrorCode.InternalError, "The runtime is shutting down.", retryable: true)
                : new ArcpException(ErrorCode.Unauthenticated, FormattableString.Invariant($"No session was opened within {services.Options.HandshakeTimeout.TotalSeconds} seconds."));
        }
        catch (TransportException)
        {
            return null;
        }
        finally
        {
            Interlocked.Decrement(ref _unwelcomed);
        }

        Log.HandshakeRefused(services.Logger, context.RemoteAddress, refusal.Code.Value, refusal.Message);
        await RefuseAsync(transport, buffer, refusal, answered, reading).ConfigureAwait(false);
        return null;
    }

    // Carries a fresh session id: clients in the field drop frames without one (§6.2).
    private async Task RefuseAsync(ITransport transport, FrameBuffer buffer, ArcpException error, FrameHeader answered, Task reading)
    {
        var header = new FrameHeader { Id = MessageId.New(services.Clock), SessionId = SessionId.New(services.Clock), Trace = answered.Trace };
        using var time = new CancellationTokenSource(FarewellTime, services.Clock);
        try
        {
            await transport.WriteAsync(ControlFrames.Frame(ControlFrames.ToSessionError(error, answered.Id), header), time.Token).ConfigureAwait(false);
            await transport.FlushAsync(time.Token).ConfigureAwait(false);
            await transport.CloseAsync(time.Token).ConfigureAwait(false);

            // A read that waits since before the refusal, too, is given its time: a WebSocket that is disposed under a read is reset,
            // and the peer would see neither the refusal nor the close.
            await reading.WaitAsync(time.Token).ConfigureAwait(false);
            await PeerClosing.WaitAsync(transport, buffer, time.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is TransportException or OperationCanceledException)
        {
            // The refused peer did not wait for its answer.
        }

        // The buffer is lent to a read that may still be under way.
        await transport.DisposeAsync().ConfigureAwait(false);
        await reading.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default).ConfigureAwait(false);
    }
}
