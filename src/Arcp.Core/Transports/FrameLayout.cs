namespace Arcp.Core.Transports;

/// <summary>How frames lie one behind the other in the bytes that a transport sends: in front of each stands a header that depends on its length alone.</summary>
/// <remarks>Whoever has many frames to send lays them out in one block, with one copy each, and hands the block to <see cref="ITransport.WriteFramesAsync"/>. Thread-safe.</remarks>
public abstract class FrameLayout
{
    /// <summary>The most bytes that a header may have.</summary>
    public const int LongestHeader = 16;

    /// <summary>Writes what stands in front of a frame.</summary>
    /// <param name="destination">Where to; at least <see cref="LongestHeader"/> bytes.</param>
    /// <param name="frameLength">The frame's length in bytes; at least 1.</param>
    /// <returns>How many bytes were written; 0 to <see cref="LongestHeader"/>.</returns>
    public abstract int WriteHeader(Span<byte> destination, int frameLength);
}
