using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Arcp.Core.Transports;

/// <summary>Lies below a WebSocket, which writes and flushes each frame by itself, and makes one write of the many frames of a batch.</summary>
/// <remarks>
/// <para>
/// Frames that a server has laid out itself (<see cref="WriteFramesAsync"/>) do not go through the WebSocket at all, nor into the block; all else does.
/// Each write is of whole frames, so those of both sources can follow one another in any order.
/// </para>
/// <para>
/// Between <see cref="BeginBatch"/> and <see cref="EndBatchAsync"/> what is written is collected; else it is passed on by the flush that the
/// WebSocket does behind each frame. So a pong or close that the WebSocket sends by itself is late by the rest of a batch at most.
/// A block is borrowed from the shared pool by the first write of a batch and given back when its bytes have been passed on: without
/// traffic this holds no memory. Reads go straight through.
/// </para>
/// <para>Batches belong to one writer; the WebSocket may write and flush at any time meanwhile.</para>
/// </remarks>
/// <param name="inner">Where bytes go to and come from. Disposed with this one.</param>
/// <param name="end">Ends every write, also those whose caller gave no token.</param>
[SuppressMessage("Usage", "CA2213", Justification = "A semaphore without a wait handle has nothing to dispose, and calls look at it after the end.")]
internal sealed class BatchingStream(Stream inner, CancellationToken end) : Stream
{
    /// <summary>The most bytes that wait; a frame that is larger by itself is passed on without a copy.</summary>
    public const int Capacity = 64 * 1024;

    private readonly Lock _lock = new(); // for what is collected
    private readonly SemaphoreSlim _turn = new(1, 1); // for what is passed on
    private byte[] _block = [];
    private int _count;
    private volatile bool _hasFailed;
    private volatile bool _isBatch;

    public override bool CanRead => inner.CanRead;

    public override bool CanSeek => false;

    public override bool CanWrite => inner.CanWrite;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>From now on what is written waits for <see cref="EndBatchAsync"/>, or until the block is full.</summary>
    public void BeginBatch() => _isBatch = true;

    /// <summary>Passes on what was collected. Without a batch it only tells of an earlier failure.</summary>
    public ValueTask EndBatchAsync()
    {
        if (!_isBatch && !_hasFailed)
        {
            return ValueTask.CompletedTask;
        }

        _isBatch = false;
        return PassOnAsync();
    }

    /// <summary>Passes on whole frames that are put together already, behind what was collected, into a batch that begins with them if need be.</summary>
    /// <param name="frames">The frames; reusable when the call has ended.</param>
    public ValueTask WriteFramesAsync(ReadOnlyMemory<byte> frames)
    {
        _isBatch = true;
        return WriteBehindAsync(frames, mayCollect: false);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        TryCollect(buffer.Span) ? ValueTask.CompletedTask : WriteBehindAsync(buffer, mayCollect: true);

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) => _isBatch ? Task.CompletedTask : PassOnAsync().AsTask();

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        inner.ReadAsync(buffer, cancellationToken);

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        inner.ReadAsync(buffer, offset, count, cancellationToken);

    public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("A WebSocket writes asynchronously.");

    public override void Flush() => throw new NotSupportedException("A WebSocket flushes asynchronously.");

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        // What was collected is lost, and its block is left to the collector: a write may still look at it.
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask PassOnAsync()
    {
        await _turn.WaitAsync(end).ConfigureAwait(false);
        try
        {
            await WriteCollectedAsync().ConfigureAwait(false);
            try
            {
                await inner.FlushAsync(end).ConfigureAwait(false);
            }
            catch
            {
                _hasFailed = true;
                throw;
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    // Behind what was collected: in a block of its own, or as it is.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask WriteBehindAsync(ReadOnlyMemory<byte> bytes, bool mayCollect)
    {
        await _turn.WaitAsync(end).ConfigureAwait(false);
        try
        {
            await WriteCollectedAsync().ConfigureAwait(false);
            if (!mayCollect || !TryCollect(bytes.Span))
            {
                await WriteInnerAsync(bytes).ConfigureAwait(false);
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    // Not outside a batch, unless something waits already: then the frame must not overtake it.
    private bool TryCollect(ReadOnlySpan<byte> bytes)
    {
        lock (_lock)
        {
            ThrowIfFailed();
            if (bytes.Length > Capacity - _count || !(_isBatch || _count > 0))
            {
                return false;
            }

            if (_block.Length == 0)
            {
                _block = ArrayPool<byte>.Shared.Rent(Capacity);
            }

            bytes.CopyTo(_block.AsSpan(_count));
            _count += bytes.Length;
            return true;
        }
    }

    // Needs the turn.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask WriteCollectedAsync()
    {
        byte[] block;
        int count;
        lock (_lock)
        {
            ThrowIfFailed();
            (block, count) = (_block, _count);
            (_block, _count) = ([], 0);
        }

        if (count > 0)
        {
            await WriteInnerAsync(block.AsMemory(0, count)).ConfigureAwait(false);

            // Not after a failure: a stream that gave up may still look at it.
            ArrayPool<byte>.Shared.Return(block);
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask WriteInnerAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            await inner.WriteAsync(bytes, end).ConfigureAwait(false);
        }
        catch
        {
            _hasFailed = true;
            throw;
        }
    }

    private void ThrowIfFailed()
    {
        if (_hasFailed)
        {
            // Half a frame may have been sent; more would not be a frame.
            throw new IOException("An earlier call could not send.");
        }
    }
}
