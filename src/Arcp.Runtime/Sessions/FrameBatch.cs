using System.Buffers;

namespace Arcp.Runtime.Sessions;

/// <summary>Frames that are sent together; reused from batch to batch.</summary>
/// <remarks>Memory is borrowed from the shared pool with the first frame and given back by <see cref="GiveBack"/>: a session that has nothing to send holds none.</remarks>
internal sealed class FrameBatch : IBufferWriter<byte>
{
    private const int FullAt = 64 * 1024;
    private const int SmallestBlock = 4 * 1024;
    private const int KeptBetweenBatches = 4 * FullAt;

    private readonly List<int> _ends = [];
    private byte[] _bytes = [];
    private int _length;

    /// <summary>Where the next frame is written; <see cref="EndNumbered"/> closes it.</summary>
    public IBufferWriter<byte> Output => this;

    public int Count => _ends.Count;

    public bool IsFull => _length >= FullAt;

    public ReadOnlyMemory<byte> this[int index] =>
        _bytes.AsMemory((index == 0 ? 0 : _ends[index - 1]).._ends[index]);

    /// <summary>How many of the frames carry a number.</summary>
    public int NumberedCount { get; private set; }

    /// <summary>How many of the frames, the first ones, may be sent at once.</summary>
    public int ReadyCount { get; private set; }

    /// <summary>What has to be committed before the others are sent.</summary>
    public long Mark { get; set; }

    /// <summary>Whether that was not committed when the batch was collected: then answers were left behind, perhaps, that are committed with it and come before it.</summary>
    public bool MustWait { get; set; }

    /// <summary>What was added so far may be sent at once; what comes has to wait for <see cref="Mark"/>.</summary>
    public void EndReady() => ReadyCount = Count;

    /// <summary>Adds a frame without a number.</summary>
    public void Add(ReadOnlyMemory<byte> frame)
    {
        this.Write(frame.Span);
        _ends.Add(_length);
    }

    /// <summary>Ends a frame with a number.</summary>
    public void EndNumbered()
    {
        _ends.Add(_length);
        NumberedCount++;
    }

    public void Clear()
    {
        _ends.Clear();
        _length = 0;
        NumberedCount = 0;
        ReadyCount = 0;
        Mark = 0;
        MustWait = false;
        if (_bytes.Length > KeptBetweenBatches)
        {
            GiveBack();
        }
    }

    /// <summary>Gives the memory of an empty batch back.</summary>
    public void GiveBack()
    {
        if (_bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = [];
        }
    }

    void IBufferWriter<byte>.Advance(int count) => _length += count;

    Memory<byte> IBufferWriter<byte>.GetMemory(int sizeHint)
    {
        Grow(sizeHint);
        return _bytes.AsMemory(_length);
    }

    Span<byte> IBufferWriter<byte>.GetSpan(int sizeHint)
    {
        Grow(sizeHint);
        return _bytes.AsSpan(_length);
    }

    private void Grow(int sizeHint)
    {
        int needed = checked(_length + Math.Max(sizeHint, 1));
        if (needed <= _bytes.Length)
        {
            return;
        }

        byte[] larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(Math.Max(needed, Math.Max(2L * _bytes.Length, SmallestBlock)), Array.MaxLength));
        _bytes.AsSpan(0, _length).CopyTo(larger);
        GiveBack();
        _bytes = larger;
    }
}
