using Arcp.Core.Transports;

namespace Arcp.Client.Tests;

/// <summary>A transport whose sending side a test can break.</summary>
internal sealed class BreakableTransport(ITransport inner) : ITransport
{
    public volatile bool CannotWrite;

    public TaskCompletionSource HasFailed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ValueTask<FrameReadStatus> ReadAsync(FrameBuffer frame, CancellationToken cancellationToken) => inner.ReadAsync(frame, cancellationToken);

    public ValueTask WriteAsync(ReadOnlyMemory<byte> frame, CancellationToken cancellationToken)
    {
        if (!CannotWrite)
        {
            return inner.WriteAsync(frame, cancellationToken);
        }

        HasFailed.TrySetResult();
        throw new TransportException("broken pipe");
    }

    public ValueTask FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    public ValueTask CloseAsync(CancellationToken cancellationToken) => inner.CloseAsync(cancellationToken);

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
