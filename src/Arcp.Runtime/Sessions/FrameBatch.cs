using System.Buffers;
using Arcp.Core.Serialization;
using Arcp.Core.Transports;

namespace Arcp.Runtime.Sessions;

/// <summary>Frames that are sent together, laid out as their transport sends them; reused from batch to batch.</summary>
/// <remarks>Its memory is borrowed from the shared pool by the first frame of a batch and given back by <see cref="Clear"/>.</remarks>
/// <param name="layout">What stands in front of each frame; null = nothing, and frames are sent one by one.</param>
internal sealed class FrameBatch(FrameLayout? layout = null) : IBufferWriter<byte>
{
    /// <summary>With its last frame, which is a small one as a rule, the batch fits into 64 KiB.</summary>
    private const int FullAt = 60 * 1024;

    private const int SmallestBlock = 1024;

    private readonly List<int> _ends = [];
    private byte[] _bytes = [];
    private int _length;
    private int _expected = SmallestBlock;

    public int Count => _ends.Count;

    public bool IsFull => _length >= FullAt;

    /// <summary>A frame, with what stands in front of it.</summary>
    public ReadOnlyMemory<byte> this[int index] => this[index..(index + 1)];

    /// <summary>Neighbouring frames, each with what stands in front of it; at least one.</summary>
    public ReadOnlyMemory<byte> this[Range range]
    {
        get
        {
            (int first, int count) = range.GetOffsetAndLength(Count);
            int start = first == 0 ? 0 : _ends[first - 1];
            return _bytes.AsMemory(start, _ends[first + count - 1] - start);
        }
    }

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
        Begin(frame.Length);
        this.Write(frame.Span);
        _ends.Add(_length);
    }

    /// <summary>Adds a frame with a number (§8.3).</summary>
    /// <param name="prefix">What stands before the number.</param>
    /// <param name="eventSeq">The number.</param>
    /// <param name="tail">What stands behind it.</param>
    public void AddNumbered(ReadOnlySpan<byte> prefix, long eventSeq, ReadOnlySpan<byte> tail)
    {
        Begin(SequencedFrameWriter.Length(prefix.Length, eventSeq, tail.Length));
        SequencedFrameWriter.Write(this, prefix, eventSeq, tail);
        _ends.Add(_length);
        NumberedCount++;
    }

    public void Advance(int count) => _length += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Grow(sizeHint);
        return _bytes.AsMemory(_length);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Grow(sizeHint);
        return _bytes.AsSpan(_length);
    }

    /// <summary>Begins the next batch. Nobody looks at the frames of this one any more.</summary>
    public void Clear()
    {
        _ends.Clear();
        NumberedCount = 0;
        ReadyCount = 0;
        Mark = 0;
        MustWait = false;
        if (_bytes.Length > 0)
        {
            _expected = _length; // the next batch is likely to be like this one
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = [];
            _length = 0;
        }
    }

    private void Begin(int frameLength)
    {
        if (layout is not null)
        {
            Advance(layout.WriteHeader(GetSpan(FrameLayout.LongestHeader), frameLength));
        }
    }

    private void Grow(int sizeHint)
    {
        int needed = _length + Math.Max(sizeHint, 1);
        if (needed <= _bytes.Length)
        {
            return;
        }

        byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(needed, Math.Max(_expected, 2 * _bytes.Length)));
        _bytes.AsSpan(0, _length).CopyTo(larger);
        if (_bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
        }

        _bytes = larger;
    }
}
