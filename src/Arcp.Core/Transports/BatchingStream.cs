using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace Arcp.Core.Transports;

/// <summary>Lies below a WebSocket, which writes and flushes each frame by itself, and flushes the many frames of a batch once.</summary>
/// <remarks>
/// <para>
/// Between <see cref="BeginBatch"/> and <see cref="EndBatchAsync"/> what is written is collected by the pipe writer below; else it is passed on by the flush
/// that the WebSocket does behind each frame. So a pong or close that the WebSocket sends by itself is late by the rest of a batch at most.
/// Reads go straight through. Frames that a server has laid out itself (<see cref="WriteFramesAsync"/>, <see cref="TryBeginFrames"/>) do not go
/// through the WebSocket at all. Each write is of whole frames, so those of both sources can follow one another in any order.
/// </para>
/// <para>Batches belong to one writer; the WebSocket may write and flush at any time meanwhile, and waits while the writer has the output to itself.</para>
/// </remarks>
/// <param name="inner">Where bytes come from. Disposed with this one.</param>
/// <param name="output">Where bytes go to. Never completed here, and not looked at any more when <see cref="WaitForEndAsync"/> and the writer's calls have ended.</param>
/// <param name="end">Ends every write, also those whose caller gave no token.</param>
[SuppressMessage("Usage", "CA2213", Justification = "A semaphore without a wait handle has nothing to dispose, and calls look at it after the end.")]
internal sealed class BatchingStream(Stream inner, PipeWriter output, CancellationToken end) : Stream
{
    /// <summary>The most bytes that wait for the end of a batch.</summary>
    public const int Capacity = 64 * 1024;

    private readonly SemaphoreSlim _turn = new(1, 1); // for the output
    private int _collected;
    private volatile bool _isInPlace; // the writer has the turn, and writes to the output itself
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

    /// <summary>Collects what comes over a stream in blocks that come from the shared pool, and go back to it with the flush: without traffic it holds no memory.</summary>
    public static PipeWriter Over(Stream stream) => PipeWriter.Create(stream, new StreamPipeWriterOptions(minimumBufferSize: Capacity, leaveOpen: true));

    /// <summary>From now on what is written waits for <see cref="EndBatchAsync"/>, or until too much does.</summary>
    public void BeginBatch()
    {
        if (_isInPlace)
        {
            _isInPlace = false;
            _turn.Release();
        }

        _isBatch = true;
    }

    /// <summary>Passes on what was collected. Without a batch it only tells of an earlier failure.</summary>
    public ValueTask EndBatchAsync()
    {
        if (_isInPlace)
        {
            _isInPlace = false;
            _isBatch = false;
            return EndTurnAsync(default);
        }

        if (!_isBatch && !_hasFailed)
        {
            return ValueTask.CompletedTask;
        }

        _isBatch = false;
        return PassOnAsync();
    }

    /// <summary>Begins a batch whose frames the writer puts into the output itself, until its next call.</summary>
    /// <returns>The output; null when others write at this moment.</returns>
    public IBufferWriter<byte>? TryBeginFrames()
    {
        if (_isInPlace || _hasFailed || !_turn.Wait(0, CancellationToken.None))
        {
            return null;
        }

        _isInPlace = true;
        Interlocked.MemoryBarrier(); // whoever waits for the end looks at both the other way round
        if (!end.IsCancellationRequested)
        {
            return output;
        }

        _isInPlace = false;
        _turn.Release();
        return null;
    }

    /// <summary>Waits until nothing that the WebSocket sends by itself uses the output any more; to be called after the end. The writer's own calls have to be over as well.</summary>
    public async ValueTask WaitForEndAsync()
    {
        if (!_isInPlace)
        {
            await _turn.WaitAsync(CancellationToken.None).ConfigureAwait(false);
            _turn.Release();
        }
    }

    /// <summary>Passes on whole frames that are put together already, behind what was collected, into a batch that begins with them if need be.</summary>
    /// <param name="frames">The frames; reusable when the call has ended.</param>
    public ValueTask WriteFramesAsync(ReadOnlyMemory<byte> frames)
    {
        BeginBatch();
        return WriteAsync(frames, CancellationToken.None);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        _turn.Wait(0, CancellationToken.None) ? EndTurn(buffer) : WaitAndWriteAsync(buffer);

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
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask WaitAndWriteAsync(ReadOnlyMemory<byte> bytes)
    {
        await _turn.WaitAsync(end).ConfigureAwait(false);
        await EndTurn(bytes).ConfigureAwait(false);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask PassOnAsync()
    {
        await _turn.WaitAsync(end).ConfigureAwait(false);
        await EndTurnAsync(default).ConfigureAwait(false);
    }

    // With the turn: writes, and passes on what would be too much.
    private ValueTask EndTurn(ReadOnlyMemory<byte> bytes)
    {
        if (_hasFailed || end.IsCancellationRequested || bytes.Length > Capacity - _collected)
        {
            return EndTurnAsync(bytes);
        }

        try
        {
            output.Write(bytes.Span);
            _collected += bytes.Length;
            return ValueTask.CompletedTask;
        }
        catch
        {
            _hasFailed = true;
            throw;
        }
        finally
        {
            _turn.Release();
        }
    }

    // With the turn: writes, and passes on all there is.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask EndTurnAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            ThrowIfOver();
            _collected = 0;
            FlushResult result = bytes.IsEmpty
                ? await output.FlushAsync(end).ConfigureAwait(false)
                : await output.WriteAsync(bytes, end).ConfigureAwait(false);
            if (result.IsCompleted)
            {
                throw new IOException("The connection takes no more.");
            }
        }
        catch
        {
            _hasFailed = true;
            throw;
        }
        finally
        {
            _turn.Release();
        }
    }

    private void ThrowIfOver()
    {
        end.ThrowIfCancellationRequested();
        if (_hasFailed)
        {
            // Half a frame may have been sent; more would not be a frame.
            throw new IOException("An earlier call could not send.");
        }
    }
}
