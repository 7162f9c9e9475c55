namespace Arcp.Runtime.Jobs;

/// <summary>Where jobs that have ended lie side by side with their logs, in blocks that the collector does not move.</summary>
/// <remarks>
/// Thread-safe. Small jobs are many and are kept for long: each in objects of its own would be copied twice before it may rest. Jobs are forgotten in about the
/// order in which they have ended, so those of one block go at about the same time, and the block with the last of them.
/// </remarks>
internal sealed class LogArchive
{
    /// <summary>The largest log that is kept together with others, in bytes.</summary>
    public const int LargestLog = 8 * 1024;

    private const int BlockSize = 256 * 1024;

    private readonly Lock _lock = new();
    private byte[] _block = [];
    private int _used;

    /// <summary>Gives room that nobody else was given.</summary>
    /// <param name="length">How many bytes: a log of at most <see cref="LargestLog"/> and what belongs to it.</param>
    public ArraySegment<byte> Take(int length)
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
