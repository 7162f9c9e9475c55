using System.Net.WebSockets;
using System.Runtime.CompilerServices;

namespace Arcp.Core.Transports;

/// <summary>Receives a transport's messages out of its WebSocket, one at a time.</summary>
/// <param name="socket">The socket.</param>
/// <param name="lifetime">The transport's.</param>
/// <param name="keepsMemory">Whether the frame buffer may hold memory while no message comes: then one that comes is received in one step.</param>
/// <param name="end">What ends a wait; none when the socket is aborted at the end of the transport, which costs nothing for each message.</param>
internal sealed class MessageReceiver(WebSocket socket, TransportLifetime lifetime, bool keepsMemory, CancellationToken end)
{
    private const int DropBlockSize = 4 * 1024;

    private bool _hasPeerClosed;
    private bool _isDropping;

    /// <summary>Receives the next message; see <see cref="ITransport.ReadAsync"/>.</summary>
    public ValueTask<FrameReadStatus> ReceiveAsync(FrameBuffer frame, CancellationToken cancellationToken)
    {
        if (_hasPeerClosed)
        {
            return new(FrameReadStatus.Closed);
        }

        // Wait for a message with no memory at hand, so that a connection without traffic holds none. A client has few connections.
        Memory<byte> room = keepsMemory && !_isDropping ? frame.GetMemory() : Memory<byte>.Empty;
        try
        {
            ValueTask<ValueWebSocketReceiveResult> first = socket.ReceiveAsync(room, end);
            if (!first.IsCompletedSuccessfully)
            {
                return ReceiveAsync(first, frame, cancellationToken);
            }

            ValueWebSocketReceiveResult received = first.Result;
            if (_isDropping || received is not { EndOfMessage: true, MessageType: WebSocketMessageType.Text })
            {
                return ReceiveAsync(new(received), frame, cancellationToken);
            }

            frame.Advance(received.Count); // a whole message, as most are: neither a registration nor a state machine is needed
            return new(FrameReadStatus.Frame);
        }
        catch (Exception e) when (TransportLifetime.IsLoss(e))
        {
            throw lifetime.ToThrow(e, cancellationToken);
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<FrameReadStatus> ReceiveAsync(ValueTask<ValueWebSocketReceiveResult> first, FrameBuffer frame, CancellationToken cancellationToken)
    {
        using CancellationTokenRegistration registration = lifetime.EndWith(cancellationToken);
        try
        {
            while (true)
            {
                if (!first.IsCompleted && !keepsMemory)
                {
                    frame.Dispose();
                }

                // The wait for a message is here and not in a call of its own: a connection without traffic holds its state all the time.
                FrameReadStatus status = await ReceiveMessageAsync(await first.ConfigureAwait(false), frame).ConfigureAwait(false);
                if (!_isDropping || status == FrameReadStatus.Closed)
                {
                    _hasPeerClosed = status == FrameReadStatus.Closed;
                    _isDropping = status == FrameReadStatus.TooLarge;
                    return status;
                }

                first = socket.ReceiveAsync(Memory<byte>.Empty, end);
            }
        }
        catch (Exception e) when (TransportLifetime.IsLoss(e))
        {
            frame.Clear();
            throw lifetime.ToThrow(e, cancellationToken);
        }
    }

    /// <summary>Receives the rest of one message: text into the frame, anything else (or everything, while dropping) into nothing.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<FrameReadStatus> ReceiveMessageAsync(ValueWebSocketReceiveResult received, FrameBuffer frame)
    {
        bool isKept = received.MessageType == WebSocketMessageType.Text && !_isDropping;
        long length = 0;
        while (received.MessageType != WebSocketMessageType.Close)
        {
            length += received.Count;
            if (length > frame.Limit && !_isDropping)
            {
                frame.Clear();
                return FrameReadStatus.TooLarge;
            }

            if (isKept)
            {
                frame.Advance(received.Count);
            }

            if (received.EndOfMessage)
            {
                return isKept ? FrameReadStatus.Frame : FrameReadStatus.NotText;
            }

            // A full frame may still be followed by fragments without content; one more byte makes it too large.
            Memory<byte> room = frame.Remaining == 0 ? new byte[1]
                : isKept ? frame.GetMemory()
                : frame.GetMemory(Math.Min(DropBlockSize, frame.Remaining));
            received = await socket.ReceiveAsync(room, end).ConfigureAwait(false);
        }

        frame.Clear();
        return FrameReadStatus.Closed;
    }
}
