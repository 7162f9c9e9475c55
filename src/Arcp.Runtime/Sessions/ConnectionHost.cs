using System.Collections.Concurrent;
using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Serialization;
using Arcp.Core.Transports;
using Arcp.Runtime.Authentication;
using Arcp.Runtime.Diagnostics;

namespace Arcp.Runtime.Sessions;

/// <summary>Serves connections from their first byte to their last, and knows all that there are.</summary>
/// <param name="services">What sessions share.</param>
/// <param name="starting">Ends when the runtime has started; fails when it cannot.</param>
internal sealed class ConnectionHost(SessionServices services, Func<CancellationToken, Task> starting) : IDisposable
{
    private static readonly TimeSpan FarewellTime = TimeSpan.FromSeconds(2);

    private readonly Handshake _handshake = new(services);
    private readonly ConcurrentDictionary<SessionConnection, byte> _running = new();
    private readonly CancellationTokenSource _noMoreSessions = new();
    private int _unwelcomed;

    /// <summary>How many connections there are.</summary>
    public int Count => _running.Count;

    /// <summary>Takes a connection, which <see cref="StopAsync"/> then waits for: it has to be run.</summary>
    public SessionConnection Add(ITransport transport)
    {
        var connection = new SessionConnection(transport, services);
        _running[connection] = 0;
        return connection;
    }

    /// <summary>Serves a connection that was added, and disposes its transport. Never fails.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="context">What the host knows of it.</param>
    /// <param name="cancellationToken">Cuts the connection.</param>
    public async Task RunAsync(SessionConnection connection, ConnectionContext context, CancellationToken cancellationToken)
    {
        ArcpTelemetry.Connections.Add(1);
        try
        {
            await starting(cancellationToken).ConfigureAwait(false);
            Session? session = await WelcomeAsync(connection, context, cancellationToken).ConfigureAwait(false);
            context = ConnectionContext.Unknown; // only the handshake needs it, and a connection may last for days
            if (session is not null)
            {
                ConnectionEnd end = await connection.Start(session, cancellationToken).ConfigureAwait(false);
                await connection.FinishAsync(end).ConfigureAwait(false);
            }
        }
#pragma warning disable CA1031 // A connection that fails must not take its host down; what happened is in the log.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Log.ConnectionFailed(services.Logger, e);
        }
        finally
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            ArcpTelemetry.Connections.Add(-1);
            _running.TryRemove(connection, out _);
            connection.OnEnded();
        }
    }

    /// <summary>Ends the wait of connections that have no session yet: the runtime is shutting down.</summary>
    public Task RefuseNewSessionsAsync() => _noMoreSessions.CancelAsync();

    /// <summary>Cuts all connections and waits for their ends.</summary>
    public async Task StopAsync()
    {
        SessionConnection[] left = [.. _running.Keys];
        Array.ForEach(left, static connection => connection.Cut());
        await Task.WhenAll(left.Select(static connection => connection.Ended)).ConfigureAwait(false);
    }

    public void Dispose() => _noMoreSessions.Dispose();

    /// <summary>Makes a session of the connection, or answers why not.</summary>
    private async Task<Session?> WelcomeAsync(SessionConnection connection, ConnectionContext context, CancellationToken cancellationToken)
    {
        ITransport transport = connection.Transport;
        using var time = new CancellationTokenSource(services.Options.HandshakeTimeout, services.Clock);
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(_noMoreSessions.Token, cancellationToken);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(time.Token, stopping.Token);
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

            reading = transport.ReadAsync(connection.Buffer, CancellationToken.None).AsTask();
            Envelope first = Handshake.Decode(await reading.WaitAsync(either.Token).ConfigureAwait(false), connection.Buffer, out answered);
            return await _handshake.PerformAsync(first, connection, context, stopping.Token, either.Token).ConfigureAwait(false);
        }
        catch (ArcpException e)
        {
            refusal = e;
        }
        catch (OperationCanceledException)
        {
            refusal = stopping.IsCancellationRequested
                ? new ArcpException(ErrorCode.InternalError, "The runtime is shutting down.", retryable: true)
                : new ArcpException(
                    ErrorCode.Unauthenticated,
                    FormattableString.Invariant($"No session was opened within {services.Options.HandshakeTimeout.TotalSeconds} seconds."),
                    retryable: true); // the network was slow; nothing is wrong with who came
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
        await RefuseAsync(connection, refusal, answered, reading).ConfigureAwait(false);
        return null;
    }

    // Carries a fresh session id: clients in the field drop frames without one (§6.2).
    private async Task RefuseAsync(SessionConnection connection, ArcpException error, FrameHeader answered, Task reading)
    {
        ITransport transport = connection.Transport;
        var header = new FrameHeader { SessionId = SessionId.New(services.Clock), Trace = answered.Trace };
        using var time = new CancellationTokenSource(FarewellTime, services.Clock);
        try
        {
            await transport.WriteAsync(ControlFrames.Frame(ControlFrames.ToSessionError(error, answered.Id), header, services.Clock), time.Token).ConfigureAwait(false);
            await transport.FlushAsync(time.Token).ConfigureAwait(false);
            await transport.CloseAsync(time.Token).ConfigureAwait(false);

            // A read that waits since before the refusal, too, is given its time: a WebSocket that is disposed under a read is reset,
            // and the peer would see neither the refusal nor the close.
            await reading.WaitAsync(time.Token).ConfigureAwait(false);
            await PeerClosing.WaitAsync(transport, connection.Buffer, time.Token).ConfigureAwait(false);
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
