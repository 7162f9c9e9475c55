namespace Arcp.Runtime.Jobs;

/// <summary>Where the logs of jobs that have ended lie side by side, in blocks that the collector does not move.</summary>
/// <remarks>
/// Thread-safe. Small logs are many and are kept for long: each in an array of its own would be copied twice before it may rest. Jobs are forgotten in about the
/// order in which they have ended, so the logs of one block go at about the same time, and the block with the last of them.
/// </remarks>
internal sealed class LogArchive
{
    /// <summary>The most bytes that are kept together with others.</summary>
    public const int LargestPart = 8 * 1024;

    private const int BlockSize = 256 * 1024;

    private readonly Lock _lock = new();
    private byte[] _block = [];
    private int _used;

    /// <summary>Keeps a copy of some bytes.</summary>
    /// <param name="bytes">The bytes; at most <see cref="LargestPart"/>.</param>
    public ArraySegment<byte> Keep(ReadOnlySpan<byte> bytes)
    {
        ArraySegment<byte> part = Take(bytes.Length);
        bytes.CopyTo(part);
        return part;
    }

    private ArraySegment<byte> Take(int length)
    {
        lock (_lock)
        {
            if (length > _block.Length - _used)
            {
                _block = GC.AllocateUninitializedArray<byte>(BlockSize);
                _used = 0;
            }

            _used += length;
            return new ArraySegment<byte>(_block, _used - length, length);
        }
    }
}
