using Arcp.Client.Diagnostics;
using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Messages;
using Arcp.Core.Serialization;
using Arcp.Core.Transports;
using Microsoft.Extensions.Logging;

namespace Arcp.Client.Connections;

/// <summary>One welcomed connection: a loop that reads and a loop that writes. It answers pings itself and knows nothing of jobs.</summary>
/// <remarks>
/// Owns the transport. When either loop ends, the receiver is told first, so that nobody waits for the clean-up; then the other loop is ended,
/// awaited, and the transport disposed. A session may outlive its connection.
/// </remarks>
internal sealed class ClientConnection : IAsyncDisposable
{
    private const int FramesPerFlush = 64;

    private readonly ITransport _transport;
    private readonly SessionId _sessionId;
    private readonly int _maxFrameBytes;
    private readonly TimeSpan _closeTimeout;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly OutgoingQueue _outgoing;
    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;

    public ClientConnection(ITransport transport, SessionId sessionId, ConnectionLimits limits, TimeProvider clock, ILogger logger)
    {
        _transport = transport;
        _sessionId = sessionId;
        _maxFrameBytes = limits.MaxFrameBytes;
        _closeTimeout = limits.CloseTimeout;
        _clock = clock;
        _logger = logger;
        _outgoing = new OutgoingQueue(limits.QueueCapacity);
    }

    /// <summary>Ends, never with an error, when both loops have ended and the transport is disposed.</summary>
    public Task Completion => _running;

    /// <summary>Starts the loops; once.</summary>
    public void Start(IFrameReceiver receiver) => _running = RunAsync(receiver);

    /// <summary>Queues a frame; waits while the queue is full.</summary>
    /// <returns>False when the connection does not send any more; the receiver has been told or is about to be.</returns>
    public ValueTask<bool> SendAsync(OutgoingFrame frame, CancellationToken cancellationToken) => _outgoing.EnqueueAsync(frame, cancellationToken);

    /// <summary>Sends what is queued, closes our side (both within the close time-out), then ends everything and waits for it.</summary>
    public async ValueTask DisposeAsync()
    {
        _outgoing.Complete();
        try
        {
            await _running.WaitAsync(_closeTimeout, _clock).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            await _stop.CancelAsync().ConfigureAwait(false);
        }

        await _running.ConfigureAwait(false);
    }

    private async Task RunAsync(IFrameReceiver receiver)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding); // no frame before the creator is done, and none on its thread
        Task<ConnectionEnd> reading = ReadLoopAsync(receiver);
        Task<ConnectionEnd?> writing = WriteLoopAsync();
        await Task.WhenAny((Task)reading, writing).ConfigureAwait(false);
        if (!reading.IsCompleted)
        {
            // Our side is closed or broken; what the peer said before it noticed may still be read, the end of a job for example.
            await WaitAtMostAsync(reading).ConfigureAwait(false);
        }

        ConnectionEnd? broken = null;
        if (!reading.IsCompleted)
        {
            broken = await writing.ConfigureAwait(false);
            await _stop.CancelAsync().ConfigureAwait(false);
            await _transport.DisposeAsync().ConfigureAwait(false); // ends the read even of a transport that overlooks its token
        }

        ConnectionEnd end = broken ?? await reading.ConfigureAwait(false);
        receiver.OnEnded(end);
        Log.ConnectionEnded(_logger, _sessionId, end.Message, end.Cause);

        _outgoing.Complete();
        if (end.IsOrderly)
        {
            await WaitAtMostAsync(writing).ConfigureAwait(false);
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        await _transport.DisposeAsync().ConfigureAwait(false);
        await Task.WhenAll((Task)reading, writing).ConfigureAwait(false);
    }


    private async Task WaitAtMostAsync(Task loop)
    {
        try
        {
            await loop.WaitAsync(_closeTimeout, _clock).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            Log.PeerDidNotClose(_logger, _sessionId);
        }
    }

    private async Task<ConnectionEnd> ReadLoopAsync(IFrameReceiver receiver)
    {
        using var frame = new FrameBuffer(_maxFrameBytes);
        try
        {
            while (true)
            {
                frame.Clear();
                switch (await _transport.ReadAsync(frame, _stop.Token).ConfigureAwait(false))
                {
                    case FrameReadStatus.Closed:
                        return new ConnectionEnd("The runtime has closed the connection.", IsOrderly: true);
                    case FrameReadStatus.TooLarge:
                        return new ConnectionEnd($"The runtime has sent a frame of more than {_maxFrameBytes} bytes.");
                    case FrameReadStatus.NotText:
                        Log.FrameIgnored(_logger, _sessionId, "a binary message", "The protocol uses text messages only.");
                        break;
                    default:
                        if (Receive(frame, receiver) is { } end)
                        {
                            return end;
                        }

                        break;
                }
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            return new ConnectionEnd("The client has closed the connection.");
        }
        catch (Exception e)
        {
            return new ConnectionEnd("The connection to the runtime is lost.", e);
        }
    }

    private ConnectionEnd? Receive(FrameBuffer frame, IFrameReceiver receiver)
    {
        if (!FrameReader.TryRead(frame.WrittenSpan, Peer.Client, out Envelope? envelope, out FrameError? error))
        {
            Log.FrameIgnored(_logger, _sessionId, error.Type, error.Message);
            receiver.OnUnreadable(error);
            return error.Kind is FrameErrorKind.TooDeep ? new ConnectionEnd("The runtime has sent a frame that is nested too deeply.") : null;
        }

        if (envelope.Message is SessionPing ping)
        {
            Answer(ping);
            return null;
        }

        return receiver.OnFrame(envelope, frame.Length);
    }

    // §6.4: at once, and whether or not heartbeat is negotiated.
    private void Answer(SessionPing ping)
    {
        var header = new FrameHeader { Id = MessageId.New(_clock), SessionId = _sessionId };
        _outgoing.Answer(new Envelope(header, new SessionPong { PingNonce = ping.Nonce, ReceivedAt = _clock.GetUtcNow() }));
    }

    private async Task<ConnectionEnd?> WriteLoopAsync()
    {
        using var frame = new FrameBuffer(int.MaxValue);
        try
        {
            bool more;
            do
            {
                more = await _outgoing.WaitAsync(_stop.Token).ConfigureAwait(false);
                while (await WriteSomeAsync(frame).ConfigureAwait(false))
                {
                    await _transport.FlushAsync(_stop.Token).ConfigureAwait(false);
                }
            }
            while (more);

            await _transport.CloseAsync(_stop.Token).ConfigureAwait(false);
            return null;
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            return null;
        }
        catch (Exception e)
        {
            return new ConnectionEnd("The connection to the runtime is lost.", e);
        }
    }

    private async ValueTask<bool> WriteSomeAsync(FrameBuffer frame)
    {
        int written = 0;
        while (written < FramesPerFlush && _outgoing.TryTake(out OutgoingFrame? next))
        {
            frame.Clear();
            if (next.TryWrite(frame))
            {
                await _transport.WriteAsync(frame.WrittenMemory, _stop.Token).ConfigureAwait(false);
                written++;
            }
        }

        return written > 0;
    }
}
