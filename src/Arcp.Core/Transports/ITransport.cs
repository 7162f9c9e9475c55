namespace Arcp.Core.Transports;

/// <summary>Moves whole frames as bytes between two peers (§4). It knows nothing of JSON.</summary>
/// <remarks>
/// At any time at most one call of <see cref="ReadAsync"/> and one of the sending methods (<see cref="WriteAsync"/>, <see cref="FlushAsync"/>,
/// <see cref="CloseAsync"/>) may be under way; the two sides do not wait for each other. A cancelled or failed call leaves the transport unusable:
/// dispose it. <see cref="IAsyncDisposable.DisposeAsync"/> may be called at any time, more than once and from any thread;
/// it ends calls that are under way with <see cref="OperationCanceledException"/> or <see cref="TransportException"/>.
/// </remarks>
public interface ITransport : IAsyncDisposable
{
    /// <summary>Receives the next frame.</summary>
    /// <param name="frame">Empty on call; receives the frame's bytes. Its <see cref="FrameBuffer.Limit"/> bounds what is accepted.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>What was received.</returns>
    /// <exception cref="TransportException">The connection is lost.</exception>
    ValueTask<FrameReadStatus> ReadAsync(FrameBuffer frame, CancellationToken cancellationToken);

    /// <summary>Sends a frame, or puts it into a buffer that <see cref="FlushAsync"/> sends. Waits while the peer does not keep up.</summary>
    /// <param name="frame">One frame as UTF-8 without line breaks. The caller may reuse the memory when the call has ended.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="TransportException">The connection is lost.</exception>
    ValueTask WriteAsync(ReadOnlyMemory<byte> frame, CancellationToken cancellationToken);

    /// <summary>Sends what has been written.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="TransportException">The connection is lost.</exception>
    ValueTask FlushAsync(CancellationToken cancellationToken);

    /// <summary>Tells the peer in order that nothing more will be sent. What it still sends can be read. Closing again does nothing.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="TransportException">The connection is lost.</exception>
    ValueTask CloseAsync(CancellationToken cancellationToken);
}
