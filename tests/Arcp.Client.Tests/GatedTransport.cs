using Arcp.Core.Transports;

namespace Arcp.Client.Tests;

/// <summary>A transport whose sending side a test can stop behind a frame, and let on frame by frame.</summary>
internal sealed class GatedTransport(ITransport inner) : WrappedTransport(inner)
{
    private readonly SemaphoreSlim _passes = new(0);
    private volatile bool _isClosed;

    /// <summary>From now on the client learns of no frame that it was sent, though it is.</summary>
    public void Close() => _isClosed = true;

    /// <summary>Lets the client go on to the next frame.</summary>
    public void LetNext() => _passes.Release();

    public void Open()
    {
        _isClosed = false;
        _passes.Release(); // for the frame that may wait
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> frame, CancellationToken cancellationToken)
    {
        await base.WriteAsync(frame, cancellationToken);
        if (_isClosed)
        {
            await _passes.WaitAsync(cancellationToken);
        }
    }
}
