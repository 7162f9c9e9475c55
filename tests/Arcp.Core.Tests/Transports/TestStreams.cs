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
