using System.Buffers;

namespace Arcp.Core.Transports;

/// <summary>Collects the bytes of one frame, never more than a limit; reusable for the next one.</summary>
/// <remarks>Not thread-safe. Memory is borrowed from the shared pool and given back by <see cref="Clear"/> when it is large, and by <see cref="Dispose"/>.</remarks>
public sealed class FrameBuffer : IBufferWriter<byte>, IDisposable
{
    private const int SmallestBlock = 512;
    private const int KeptBetweenFrames = 16 * 1024;

    private byte[] _bytes = [];
    private int _length;

    /// <summary>Creates an empty buffer.</summary>
    /// <param name="limit">The most bytes that a frame may have; at least 1.</param>
    public FrameBuffer(int limit)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        Limit = limit;
    }

    /// <summary>The most bytes that a frame may have.</summary>
    public int Limit { get; }

    /// <summary>How many bytes have been written.</summary>
    public int Length => _length;

    /// <summary>How many bytes may still be written.</summary>
    public int Remaining => Limit - _length;

    /// <summary>The bytes written so far; valid until the next call of a writing method, <see cref="Clear"/> or <see cref="Dispose"/>.</summary>
    public ReadOnlyMemory<byte> WrittenMemory => _bytes.AsMemory(0, _length);

    /// <summary>The bytes written so far; valid as long as <see cref="WrittenMemory"/>.</summary>
    public ReadOnlySpan<byte> WrittenSpan => _bytes.AsSpan(0, _length);

    /// <summary>Appends bytes if the limit allows.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <returns>False, and nothing is appended, when the frame would be too large.</returns>
    public bool TryWrite(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > Remaining)
        {
            return false;
        }

        if (!bytes.IsEmpty)
        {
            // A full buffer has no room to give, but nothing needs none.
            bytes.CopyTo(GetSpan(bytes.Length));
            Advance(bytes.Length);
        }

        return true;
    }

    /// <summary>Says how many bytes were put into what <see cref="GetMemory"/> or <see cref="GetSpan"/> gave.</summary>
    /// <param name="count">The number of bytes.</param>
    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Math.Min(_bytes.Length - _length, Remaining));
        _length += count;
    }

    /// <summary>Gives room to write into: at least <paramref name="sizeHint"/> bytes (or 1), at most <see cref="Remaining"/>.</summary>
    /// <param name="sizeHint">How much is needed; 0 = any.</param>
    /// <exception cref="InvalidOperationException">The limit does not leave that much.</exception>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Grow(sizeHint);
        return _bytes.AsMemory(_length, Math.Min(_bytes.Length - _length, Remaining));
    }

    /// <summary>The same as <see cref="GetMemory"/>.</summary>
    /// <param name="sizeHint">How much is needed; 0 = any.</param>
    /// <exception cref="InvalidOperationException">The limit does not leave that much.</exception>
    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Grow(sizeHint);
        return _bytes.AsSpan(_length, Math.Min(_bytes.Length - _length, Remaining));
    }

    /// <summary>Forgets the bytes; memory that only a large frame needed goes back to the pool.</summary>
    public void Clear()
    {
        _length = 0;
        if (_bytes.Length > KeptBetweenFrames)
        {
            Dispose();
        }
    }

    /// <summary>Gives the memory back. The buffer can be used again.</summary>
    public void Dispose()
    {
        byte[] bytes = _bytes;
        _bytes = [];
        _length = 0;
        if (bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    private void Grow(int sizeHint)
    {
        int needed = Math.Max(sizeHint, 1);
        if (needed > Remaining)
        {
            throw new InvalidOperationException($"A frame may have at most {Limit} bytes.");
        }

        if (_bytes.Length - _length >= needed)
        {
            return;
        }

        long wanted = Math.Min(Math.Max(_length + (long)needed, Math.Max(_bytes.Length * 2L, SmallestBlock)), Limit);
        byte[] larger = ArrayPool<byte>.Shared.Rent((int)wanted);
        _bytes.AsSpan(0, _length).CopyTo(larger);
        if (_bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
        }

        _bytes = larger;
    }
}
