namespace Arcp.Client.Jobs;

/// <summary>A job's result as a stream of bytes. Read asynchronously, by one reader at a time.</summary>
/// <param name="read">Reads the result.</param>
internal sealed class ResultByteStream(Func<CancellationToken, IAsyncEnumerable<ReadOnlyMemory<byte>>> read) : Stream
{
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _disposal = new();
    private IAsyncEnumerator<ReadOnlyMemory<byte>>? _pieces;
    private Task<bool>? _next;
    private ReadOnlyMemory<byte> _rest;
    private bool _isDisposed;

    public override bool CanRead => !Volatile.Read(ref _isDisposed);

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(!CanRead, this);
        cancellationToken.ThrowIfCancellationRequested();
        if (buffer.IsEmpty)
        {
            return 0;
        }

        if (_rest.IsEmpty)
        {
            if (!await NextAsync(Step(), cancellationToken).ConfigureAwait(false))
            {
                return 0;
            }

            (_rest, _next) = (_pieces!.Current, null);
        }

        int count = Math.Min(buffer.Length, _rest.Length);
        _rest[..count].CopyTo(buffer);
        _rest = _rest[count..];
        return count;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("The result comes over the network; read it asynchronously.");

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override async ValueTask DisposeAsync()
    {
        if (TryBeginDispose())
        {
            await _disposal.CancelAsync().ConfigureAwait(false);
            if (_next is { } next)
            {
                await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            if (_pieces is { } pieces)
            {
                await pieces.DisposeAsync().ConfigureAwait(false);
            }
        }

        await base.DisposeAsync().ConfigureAwait(false);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && TryBeginDispose())
        {
            _disposal.Cancel(); // a step under way ends by it and cleans up after itself
        }

        base.Dispose(disposing);
    }

    // No step begins once the stream is being disposed. One outlives a read that is cancelled, and stays when it has failed: an error never turns into an end.
    private Task<bool> Step()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            _pieces ??= read(_disposal.Token).GetAsyncEnumerator(CancellationToken.None);
            return _next ??= _pieces.MoveNextAsync().AsTask();
        }
    }

    private bool TryBeginDispose()
    {
        lock (_gate)
        {
            return !_isDisposed && (_isDisposed = true);
        }
    }

    private async Task<bool> NextAsync(Task<bool> next, CancellationToken cancellationToken)
    {
        try
        {
            return await next.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_disposal.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new ObjectDisposedException(nameof(Stream), "The stream was disposed while it was read.");
        }
    }
}
