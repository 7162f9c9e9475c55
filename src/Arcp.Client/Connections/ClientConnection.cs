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
    private const int FramesPerWake = 64;
    private const int BytesPerWake = 64 * 1024;

    private readonly ITransport _transport;
    private readonly ConnectionTerms _terms;
    private readonly ConnectionLimits _limits;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly OutgoingQueue _outgoing;
    private readonly AckSchedule? _acks;
    private readonly SilenceWatch? _silence;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource<ConnectionEnd> _aborted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<ConnectionEnd> _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _running = Task.CompletedTask;

    public ClientConnection(ITransport transport, ConnectionTerms terms, ConnectionLimits limits, TimeProvider clock, ILogger logger)
    {
        _transport = transport;
        _terms = terms;
        _limits = limits;
        _clock = clock;
        _logger = logger;
        _outgoing = new OutgoingQueue(limits.QueueCapacity);
        _acks = terms.Acknowledges
            ? new AckSchedule(clock, seq => _outgoing.Acknowledge(new Envelope(NewHeader(), new SessionAck { LastProcessedSeq = seq })))
            : null;
        _silence = terms.Heartbeat is { } interval
            ? new SilenceWatch(clock, interval, ping: () => Ping(Ulid.MintWithPrefix("ping_", clock.GetUtcNow())), lost: OnSilence)
            : null;
    }

    /// <summary>The session that the connection belongs to.</summary>
    public SessionId SessionId => _terms.SessionId;

    /// <summary>Ends when the connection does, right after the receiver was told; never with an error.</summary>
    public Task<ConnectionEnd> Over => _over.Task;

    /// <summary>Ends, never with an error, when both loops have ended and the transport is disposed.</summary>
    public Task Completion => _running;

    /// <summary>Starts the loops; once.</summary>
    public void Start(IFrameReceiver receiver)
    {
        _acks?.OnProcessed(receiver.ProcessedSeq);
        _running = RunAsync(receiver);
    }

    /// <summary>Queues a frame; waits while the queue is full.</summary>
    /// <returns>False when the connection does not send any more; the receiver has been told or is about to be.</returns>
    public ValueTask<bool> SendAsync(OutgoingFrame frame, CancellationToken cancellationToken) => _outgoing.EnqueueAsync(frame, cancellationToken);

    /// <summary>Queues a message that nobody answers, if there is room.</summary>
    public void TrySend(ArcpMessage message, JobId? jobId) => _outgoing.TryEnqueue(new OutgoingFrame(new Envelope(NewHeader() with { JobId = jobId }, message)));

    /// <summary>Sends a ping before all requests that wait.</summary>
    public void Ping(string nonce) => _outgoing.Answer(new Envelope(NewHeader(), new SessionPing { Nonce = nonce, SentAt = _clock.GetUtcNow() }));

    /// <summary>Acknowledges before all requests that wait what has not been acknowledged yet.</summary>
    public void FlushAcks() => _acks?.Flush();

    /// <summary>Sends what is queued, closes our side (both within the close time-out), then ends everything and waits for it.</summary>
    public async ValueTask DisposeAsync()
    {
        _outgoing.Complete();
        try
        {
            await _running.WaitAsync(_limits.CloseTimeout, _clock).ConfigureAwait(false);
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
        await Task.WhenAny((Task)reading, writing, _aborted.Task).ConfigureAwait(false);
        if (!reading.IsCompleted && !_aborted.Task.IsCompleted)
        {
            // Our side is closed or broken; what the peer said before it noticed may still be read, the end of a job for example.
            await WaitAtMostAsync(Task.WhenAny((Task)reading, _aborted.Task)).ConfigureAwait(false);
        }

        ConnectionEnd? broken = null;
        if (!reading.IsCompleted)
        {
            broken = _aborted.Task.IsCompleted ? await _aborted.Task.ConfigureAwait(false) : await writing.ConfigureAwait(false);
            await CutAsync().ConfigureAwait(false); // ends the read even of a transport that overlooks its token
        }

        ConnectionEnd end = receiver.OnEnded(broken ?? await reading.ConfigureAwait(false));
        _over.TrySetResult(end);
        Log.ConnectionEnded(_logger, SessionId, end.Message, end.Cause);

        _silence?.Dispose();
        _acks?.Dispose();
        _outgoing.Complete();
        if (end.IsOrderly)
        {
            await WaitAtMostAsync(writing).ConfigureAwait(false);
        }

        await CutAsync().ConfigureAwait(false);
        await Task.WhenAll((Task)reading, writing).ConfigureAwait(false);
    }

    private async Task CutAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        try
        {
            await _transport.DisposeAsync().ConfigureAwait(false);
        }
#pragma warning disable CA1031 // A transport may be the user's; whatever it throws, the connection is over, and others wait for that.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Log.TransportFailed(_logger, SessionId, e);
        }
    }

    private void OnSilence() => _aborted.TrySetResult(new ConnectionEnd("Nothing was received from the runtime for two heartbeat intervals."));

    private FrameHeader NewHeader() => new() { Id = MessageId.New(_clock), SessionId = SessionId };

    private async Task WaitAtMostAsync(Task loop)
    {
        try
        {
            await loop.WaitAsync(_limits.CloseTimeout, _clock).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            Log.PeerDidNotClose(_logger, SessionId);
        }
    }

    private async Task<ConnectionEnd> ReadLoopAsync(IFrameReceiver receiver)
    {
        using var frame = new FrameBuffer(_limits.MaxFrameBytes);
        var repeated = new RepeatedHeader();
        (int frames, int bytes) = (0, 0); // since somebody was woken last
        try
        {
            while (true)
            {
                frame.Clear();
                ValueTask<FrameReadStatus> next = _transport.ReadAsync(frame, _stop.Token);
                if (!next.IsCompleted || frames >= FramesPerWake || bytes >= BytesPerWake)
                {
                    receiver.OnPause();
                    (frames, bytes) = (0, 0);
                }

                FrameReadStatus status = await next.ConfigureAwait(false);
                (frames, bytes) = (frames + 1, bytes + frame.Length);
                _silence?.OnReceived();
                switch (status)
                {
                    case FrameReadStatus.Closed:
                        return new ConnectionEnd("The runtime has closed the connection.", IsOrderly: true);
                    case FrameReadStatus.TooLarge:
                        return new ConnectionEnd($"The runtime has sent a frame of more than {_limits.MaxFrameBytes} bytes.") { IsFinal = true };
                    case FrameReadStatus.NotText:
                        Log.FrameIgnored(_logger, SessionId, "a binary message", "The protocol uses text messages only.");
                        break;
                    default:
                        if (Receive(frame, repeated, receiver) is { } end)
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
        finally
        {
            receiver.OnPause();
        }
    }

    private ConnectionEnd? Receive(FrameBuffer frame, RepeatedHeader repeated, IFrameReceiver receiver)
    {
        if (!FrameReader.TryRead(frame.WrittenSpan, Peer.Client, repeated, out Envelope? envelope, out FrameError? error))
        {
            Log.FrameIgnored(_logger, SessionId, error.Type, error.Message);
            ConnectionEnd? unreadable = receiver.OnUnreadable(error);
            return error.Kind is FrameErrorKind.TooDeep
                ? new ConnectionEnd("The runtime has sent a frame that is nested too deeply.") { IsFinal = true }
                : unreadable;
        }

        if (envelope.Message is SessionPing ping)
        {
            Answer(ping);
            return null;
        }

        ConnectionEnd? end = receiver.OnFrame(envelope, frame.Length);
        _acks?.OnProcessed(receiver.ProcessedSeq);
        return end;
    }

    // §6.4: at once, and whether or not heartbeat is negotiated.
    private void Answer(SessionPing ping) =>
        _outgoing.Answer(new Envelope(NewHeader(), new SessionPong { PingNonce = ping.Nonce, ReceivedAt = _clock.GetUtcNow() }));

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
                    _silence?.OnSent();
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
