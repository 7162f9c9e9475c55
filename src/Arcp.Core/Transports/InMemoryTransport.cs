using System.Threading.Channels;

namespace Arcp.Core.Transports;

/// <summary>Two connected transports within one process (§4).</summary>
/// <remarks>Each direction holds a bounded number of frames; a writer waits while the other side does not read.</remarks>
public sealed class InMemoryTransport : ITransport
{
    private readonly Channel<byte[]> _incoming;
    private readonly Channel<byte[]> _outgoing;
    private int _isDisposed;

    private InMemoryTransport(Channel<byte[]> incoming, Channel<byte[]> outgoing)
    {
        _incoming = incoming;
        _outgoing = outgoing;
    }

    /// <summary>Creates two transports that are connected to each other.</summary>
    /// <param name="capacity">How many frames each direction holds before a writer waits; at least 1, default 128.</param>
    public static (InMemoryTransport First, InMemoryTransport Second) CreatePair(int capacity = 128)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        var options = new BoundedChannelOptions(capacity) { SingleReader = true, SingleWriter = false };
        var there = Channel.CreateBounded<byte[]>(options);
        var back = Channel.CreateBounded<byte[]>(options);
        return (new InMemoryTransport(there, back), new InMemoryTransport(back, there));
    }

    /// <inheritdoc/>
    public async ValueTask<FrameReadStatus> ReadAsync(FrameBuffer frame, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(frame);
        cancellationToken.ThrowIfCancellationRequested();
        ThrowIfDisposed();
        if (!_incoming.Reader.TryRead(out byte[]? bytes))
        {
            try
            {
                bytes = await _incoming.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (ChannelClosedException e)
            {
                ThrowIfDisposed();
                return e.InnerException is null ? FrameReadStatus.Closed : throw Lost(e);
            }
        }

        return frame.TryWrite(bytes) ? FrameReadStatus.Frame : FrameReadStatus.TooLarge;
    }

    /// <inheritdoc/>
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> frame, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ThrowIfDisposed();
        try
        {
            await _outgoing.Writer.WriteAsync(frame.ToArray(), cancellationToken).ConfigureAwait(false);
        }
        catch (ChannelClosedException e)
        {
            ThrowIfDisposed();
            throw Lost(e);
        }
    }

    /// <inheritdoc/>
    public ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        ThrowIfDisposed();
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask CloseAsync(CancellationToken cancellationToken)
    {
        ThrowIfDisposed();
        _outgoing.Writer.TryComplete();
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            // Without an orderly close before it, the other side sees a lost connection, as with a socket.
            var gone = new TransportException("The other side is gone.");
            _outgoing.Writer.TryComplete(gone);
            _incoming.Writer.TryComplete(gone);
        }

        return ValueTask.CompletedTask;
    }

    private static TransportException Lost(Exception cause) => new("The connection is lost.", cause);

    private void ThrowIfDisposed()
    {
        if (Volatile.Read(ref _isDisposed) != 0)
        {
            throw new TransportException("The transport has been disposed.");
        }
    }
}
