using System.Buffers;

namespace Arcp.Core.Transports;

/// <summary>Moves whole frames as bytes between two peers (§4). It knows nothing of JSON.</summary>
/// <remarks>
/// <para>
/// At any time at most one call of <see cref="ReadAsync"/> and one of the sending methods (<see cref="WriteAsync"/>, <see cref="TryBeginFrames"/>, <see cref="WriteFramesAsync"/>,
/// <see cref="FlushAsync"/>, <see cref="CloseAsync"/>) may be under way; the two sides do not wait for each other.
/// </para>
/// <para>
/// A call whose wait was cancelled may have moved half a frame: it ends the transport in both directions, and every later call throws
/// <see cref="TransportException"/>. So cancel a read only when nothing more is to be sent either. When a sending call has failed,
/// nothing more can be sent, but what the peer said before it went may still be read. In both cases dispose the transport.
/// </para>
/// <para>
/// <see cref="IAsyncDisposable.DisposeAsync"/> may be called at any time, more than once and from any thread;
/// it ends calls that are under way with <see cref="OperationCanceledException"/> or <see cref="TransportException"/>, later ones throw
/// <see cref="TransportException"/>, and what was written but not flushed is lost. It does not tell the peer anything in order:
/// call <see cref="CloseAsync"/> before it. A peer that goes without a close may leave frames that can still be read; after them
/// <see cref="ReadAsync"/> throws <see cref="TransportException"/>, or gives <see cref="FrameReadStatus.Closed"/> over a medium
/// on which the end of the data is all there is to see (byte streams).
/// </para>
/// </remarks>
public interface ITransport : IAsyncDisposable
{
    /// <summary>Receives the next frame. Waits without keeping the caller's thread, which has other things to do meanwhile.</summary>
    /// <param name="frame">
    /// Emptied first, which also ends the life of an earlier frame's memory; then receives the frame's bytes.
    /// It holds something only after <see cref="FrameReadStatus.Frame"/>. Its <see cref="FrameBuffer.Limit"/> bounds what is accepted.
    /// </param>
    /// <param name="cancellationToken">Ends the wait, and with it the transport.</param>
    /// <returns>What was received. After <see cref="FrameReadStatus.Closed"/> every further read gives the same again.</returns>
    /// <exception cref="TransportException">The connection is lost, or the transport is disposed or ended by a cancelled call.</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    ValueTask<FrameReadStatus> ReadAsync(FrameBuffer frame, CancellationToken cancellationToken);

    /// <summary>Sends a frame, or puts it into a buffer that <see cref="FlushAsync"/> sends. Waits while the peer does not keep up.</summary>
    /// <param name="frame">One frame as UTF-8, at least one byte, without line breaks. The caller may reuse the memory when the call has ended.</param>
    /// <param name="cancellationToken">Ends the wait, and with it the transport.</param>
    /// <exception cref="ArgumentException">The frame is empty, or has a line break that this transport cannot carry. Nothing was sent; the transport goes on.</exception>
    /// <exception cref="TransportException">The connection is lost, this side is closed, or the transport is disposed or ended by a cancelled call.</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    ValueTask WriteAsync(ReadOnlyMemory<byte> frame, CancellationToken cancellationToken);

    /// <summary>How frames have to lie for <see cref="WriteFramesAsync"/>; null (the default) = that takes none, and each is sent by <see cref="WriteAsync"/>. Always the same.</summary>
    FrameLayout? Layout => null;

    /// <summary>Begins to send frames that lie as <see cref="Layout"/> says, and are put together in the transport's own memory: that spares <see cref="WriteFramesAsync"/>'s copy.</summary>
    /// <remarks>
    /// It begins a sending call, which ends with the next one, as a rule a <see cref="FlushAsync"/>. By then the writer was advanced by whole frames, each with its header,
    /// and nobody uses it any more. All else that the transport has to send waits meanwhile: begin when the frames are at hand.
    /// </remarks>
    /// <returns>Where to put the frames; null (the default) = that is not possible now, or ever.</returns>
    IBufferWriter<byte>? TryBeginFrames() => null;

    /// <summary>Sends frames that lie one behind the other as <see cref="Layout"/> says; in all else like a <see cref="WriteAsync"/> of each.</summary>
    /// <param name="frames">Whole frames, each with its header, at least one. That is not checked: what does not lie so cannot be understood by the peer. The caller may reuse the memory when the call has ended.</param>
    /// <param name="cancellationToken">Ends the wait, and with it the transport.</param>
    /// <exception cref="ArgumentException">There is no frame. The transport goes on.</exception>
    /// <exception cref="NotSupportedException">The transport has no <see cref="Layout"/>.</exception>
    /// <exception cref="TransportException">The connection is lost, this side is closed, or the transport is disposed or ended by a cancelled call.</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    ValueTask WriteFramesAsync(ReadOnlyMemory<byte> frames, CancellationToken cancellationToken) =>
        throw new NotSupportedException("This transport takes frames one by one.");

    /// <summary>Sends what has been written. Does nothing after <see cref="CloseAsync"/>.</summary>
    /// <param name="cancellationToken">Ends the wait, and with it the transport.</param>
    /// <exception cref="TransportException">The connection is lost, or the transport is disposed or ended by a cancelled call.</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    ValueTask FlushAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Sends what has been written, then tells the peer in order that nothing more follows.
    /// What the peer still sends can be read. Closing again does nothing.
    /// </summary>
    /// <param name="cancellationToken">Ends the wait, and with it the transport.</param>
    /// <exception cref="TransportException">The connection is lost, or the transport is disposed or ended by a cancelled call.</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    ValueTask CloseAsync(CancellationToken cancellationToken);
}
