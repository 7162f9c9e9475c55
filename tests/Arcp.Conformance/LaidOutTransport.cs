using System.Buffers;
using Arcp.Core.Transports;

namespace Arcp.Conformance;

/// <summary>Sends frames by <see cref="ITransport.WriteAsync"/>, <see cref="ITransport.WriteFramesAsync"/> and <see cref="ITransport.TryBeginFrames"/> in turn, so that whatever is checked of a transport is checked for all of them.</summary>
/// <param name="inner">A transport with a layout.</param>
public class LaidOutTransport(ITransport inner) : ITransport
{
    private int _sent;

    /// <summary>Lays frames out in one block.</summary>
    /// <param name="layout">How.</param>
    /// <param name="frames">The frames.</param>
    /// <returns>The block.</returns>
    public static byte[] LayOut(FrameLayout layout, params IEnumerable<ReadOnlyMemory<byte>> frames)
    {
        ArgumentNullException.ThrowIfNull(layout);
        ArgumentNullException.ThrowIfNull(frames);
        var block = new List<byte>();
        byte[] header = new byte[FrameLayout.LongestHeader];
        foreach (ReadOnlyMemory<byte> frame in frames)
        {
            block.AddRange(header.AsSpan(0, layout.WriteHeader(header, frame.Length)));
            block.AddRange(frame.Span);
        }

        return [.. block];
    }

    /// <inheritdoc/>
    public ValueTask<FrameReadStatus> ReadAsync(FrameBuffer frame, CancellationToken cancellationToken) => inner.ReadAsync(frame, cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask WriteAsync(ReadOnlyMemory<byte> frame, CancellationToken cancellationToken)
    {
        byte[] laidOut = frame.IsEmpty ? [] : LayOut(inner.Layout!, frame);
        switch (_sent++ % 3)
        {
            case 0:
                return inner.WriteAsync(frame, cancellationToken);
            case 2 when !frame.IsEmpty && inner.TryBeginFrames() is { } output:
                output.Write(laidOut);
                return inner.FlushAsync(cancellationToken);
            default:
                return inner.WriteFramesAsync(laidOut, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public virtual ValueTask FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    /// <inheritdoc/>
    public virtual ValueTask CloseAsync(CancellationToken cancellationToken) => inner.CloseAsync(cancellationToken);

    /// <inheritdoc/>
    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await inner.DisposeAsync();
    }
}
