namespace Arcp.Core.Tests.Transports;

/// <summary>Gives its bytes in small pieces.</summary>
internal sealed class SlicedStream(byte[] bytes, int bytesPerRead) : MemoryStream(bytes)
{
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        base.ReadAsync(buffer[..Math.Min(buffer.Length, bytesPerRead)], cancellationToken);
}

/// <summary>Never ends and has no line feed.</summary>
internal sealed class EndlessStream : MemoryStream
{
    public long Taken { get; private set; }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        buffer.Span.Fill((byte)'x');
        Taken += buffer.Length;
        return ValueTask.FromResult(buffer.Length);
    }
}

/// <summary>Notes the size of each write.</summary>
internal sealed class CountingStream : MemoryStream
{
    public List<int> Pieces { get; } = [];

    public bool FailsNext { get; set; }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (FailsNext)
        {
            FailsNext = false;
            return ValueTask.FromException(new IOException("broken pipe"));
        }

        Pieces.Add(buffer.Length);
        return ValueTask.CompletedTask;
    }
}

/// <summary>Neither reads nor writes ever end, and they do not heed their tokens, as with a console.</summary>
internal sealed class DeafStream : MemoryStream
{
    private readonly TaskCompletionSource _reading = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _writing = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<int> _never = new();

    public Task BothPending => Task.WhenAll(_reading.Task, _writing.Task);

    public ReadOnlyMemory<byte> PendingWrite { get; private set; }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        _reading.TrySetResult();
        return new ValueTask<int>(_never.Task);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        PendingWrite = buffer;
        _writing.TrySetResult();
        return new ValueTask(_never.Task);
    }
}

/// <summary>Takes a moment to leave a write that was cancelled, and notices when it is disposed in that moment.</summary>
internal sealed class LingeringStream : MemoryStream
{
    // Only a wrong disposal ends this wait early; a right one comes after it.
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(300);

    private readonly TaskCompletionSource _entered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ManualResetEventSlim _disposed = new();

    public Task Entered => _entered.Task;

    public bool WasDisposedUnderACall { get; private set; }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        _entered.TrySetResult();
        cancellationToken.WaitHandle.WaitOne();
        WasDisposedUnderACall = _disposed.Wait(Moment, CancellationToken.None);
        return ValueTask.FromCanceled(cancellationToken);
    }

    protected override void Dispose(bool disposing)
    {
        _disposed.Set();
        base.Dispose(disposing);
    }
}
