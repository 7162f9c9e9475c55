using System.Threading.Channels;

namespace Arcp.Core.Transports;

/// <summary>Two connected transports within one process (§4).</summary>
/// <remarks>
/// Each direction holds a bounded number of frames; a writer waits while the other side does not read.
/// A written frame can be read at once, without a flush. Thread-safe as far as <see cref="ITransport"/> promises.
/// </remarks>
public sealed class InMemoryTransport : ITransport
{
    private readonly Channel<byte[]> _incoming;
    private readonly Channel<byte[]> _outgoing;
    private readonly TransportLifetime _lifetime = new();
    private bool _isDropping;

    private InMemoryTransport(Channel<byte[]> incoming, Channel<byte[]> outgoing)
    {
        _incoming = incoming;
        _outgoing = outgoing;
    }

    /// <summary>Creates two transports that are connected to each other.</summary>
    /// <param name="capacity">
    /// How many frames each direction holds before a writer waits; at least 1, default 128. Up to this many frames of the largest size
    /// that the peers accept may be in memory: choose fewer where frames are large.
    /// </param>
    public static (InMemoryTransport First, InMemoryTransport Second) CreatePair(int capacity = 128)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        var options = new BoundedChannelOptions(capacity) { SingleReader = true };
        var there = Channel.CreateBounded<byte[]>(options);
        var back = Channel.CreateBounded<byte[]>(options);
        return (new InMemoryTransport(there, back), new InMemoryTransport(back, there));
    }

    /// <inheritdoc/>
    public async ValueTask<FrameReadStatus> ReadAsync(FrameBuffer frame, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(frame);
        frame.Clear();
        _lifetime.ThrowIfOver(cancellationToken);
        try
        {
            byte[] bytes = await ReceiveAsync(cancellationToken).ConfigureAwait(false);
            while (_isDropping)
            {
                bytes = await ReceiveAsync(cancellationToken).ConfigureAwait(false);
            }

            _isDropping = !frame.TryWrite(bytes);
            return _isDropping ? FrameReadStatus.TooLarge : FrameReadStatus.Frame;
        }
        catch (ChannelClosedException e) when (e.InnerException is null)
        {
            return FrameReadStatus.Closed;
        }
        catch (Exception e) when (TransportLifetime.IsLoss(e))
        {
            throw _lifetime.ToThrow(e, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> frame, CancellationToken cancellationToken)
    {
        if (frame.IsEmpty)
        {
            throw new ArgumentException("A frame has at least one byte.", nameof(frame));
        }

        _lifetime.ThrowIfOver(cancellationToken);
        byte[] bytes = frame.ToArray();
        if (_outgoing.Writer.TryWrite(bytes))
        {
            return;
        }

        try
        {
            using CancellationTokenRegistration registration = _lifetime.EndWith(cancellationToken);
            await _outgoing.Writer.WriteAsync(bytes, _lifetime.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (TransportLifetime.IsLoss(e))
        {
            throw _lifetime.ToThrow(e, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        _lifetime.ThrowIfOver(cancellationToken);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask CloseAsync(CancellationToken cancellationToken)
    {
        _lifetime.ThrowIfOver(cancellationToken);
        _outgoing.Writer.TryComplete();
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (await _lifetime.TryEndAsync().ConfigureAwait(false))
        {
            // Without an orderly close before it, the other side sees a lost connection, as with a socket,
            // after it has read what was already sent.
            var gone = new TransportException("The other side is gone.");
            _outgoing.Writer.TryComplete(gone);
            _incoming.Writer.TryComplete(gone);
        }
    }

    private async ValueTask<byte[]> ReceiveAsync(CancellationToken cancellationToken)
    {
        if (_incoming.Reader.TryRead(out byte[]? bytes))
        {
            return bytes;
        }

        using CancellationTokenRegistration registration = _lifetime.EndWith(cancellationToken);
        return await _incoming.Reader.ReadAsync(_lifetime.Token).ConfigureAwait(false);
    }
}
