using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Arcp.Core.Transports;

/// <summary>Lies below a WebSocket, which writes and flushes each frame by itself, and makes one write of the many frames of a batch.</summary>
/// <remarks>
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

    private readonly SemaphoreSlim _turn = new(1, 1);
    private byte[] _block = [];
    private int _count;
    private bool _hasFailed;
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

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await _turn.WaitAsync(end).ConfigureAwait(false);
        try
        {
            ThrowIfFailed();
            if (buffer.Length > Capacity - _count)
            {
                await WriteCollectedAsync().ConfigureAwait(false);
            }

            if (buffer.Length <= Capacity && (_isBatch || _count > 0))
            {
                Collect(buffer.Span);
            }
            else
            {
                await WriteInnerAsync(buffer).ConfigureAwait(false);
            }
        }
        finally
        {
            _turn.Release();
        }
    }

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

    private async ValueTask PassOnAsync()
    {
        await _turn.WaitAsync(end).ConfigureAwait(false);
        try
        {
            ThrowIfFailed();
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

    private void Collect(ReadOnlySpan<byte> bytes)
    {
        if (_block.Length == 0)
        {
            _block = ArrayPool<byte>.Shared.Rent(Capacity);
        }

        bytes.CopyTo(_block.AsSpan(_count));
        _count += bytes.Length;
    }

    private async ValueTask WriteCollectedAsync()
    {
        if (_count > 0)
        {
            (byte[] block, int count) = (_block, _count);
            (_block, _count) = ([], 0);
            await WriteInnerAsync(block.AsMemory(0, count)).ConfigureAwait(false);

            // Not after a failure: a stream that gave up may still look at it.
            ArrayPool<byte>.Shared.Return(block);
        }
    }

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
