using Arcp.Core.Transports;

namespace Arcp.Runtime.Tests.Support;

/// <summary>The runtime's side of a connection, for tests to look at or to break.</summary>
public class WrappedTransport(ITransport inner) : ITransport
{
    private int _flushed;
    private int _written;

    /// <summary>How many frames the runtime has sent.</summary>
    public int Sent => Volatile.Read(ref _flushed);

    public virtual ValueTask<FrameReadStatus> ReadAsync(FrameBuffer frame, CancellationToken cancellationToken) => inner.ReadAsync(frame, cancellationToken);

    public virtual async ValueTask WriteAsync(ReadOnlyMemory<byte> frame, CancellationToken cancellationToken)
    {
        await inner.WriteAsync(frame, cancellationToken);
        _written++;
    }

    public virtual async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        await inner.FlushAsync(cancellationToken);
        Volatile.Write(ref _flushed, _written);
    }

    public virtual ValueTask CloseAsync(CancellationToken cancellationToken) => inner.CloseAsync(cancellationToken);

    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await inner.DisposeAsync();
    }
}
