using Arcp.Core.Transports;

namespace Arcp.Client.Tests;

/// <summary>A transport whose sending side a test can break.</summary>
internal sealed class BreakableTransport(ITransport inner) : WrappedTransport(inner)
{
    public volatile bool CannotWrite;

    public TaskCompletionSource HasFailed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> frame, CancellationToken cancellationToken)
    {
        if (!CannotWrite)
        {
            return base.WriteAsync(frame, cancellationToken);
        }

        HasFailed.TrySetResult();
        throw new TransportException("broken pipe");
    }
}
