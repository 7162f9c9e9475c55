using System.Buffers;
using Arcp.Core.Transports;

namespace Arcp.Runtime.Sessions;

/// <summary>Frames that are sent together, laid out as their transport sends them; reused from batch to batch.</summary>
/// <remarks>
/// The first frame of a batch decides where it lies: in memory of the transport's own, if that can be had (<see cref="IsInPlace"/>), else in memory that is borrowed
/// from the shared pool and given back by <see cref="Clear"/>.
/// </remarks>
/// <param name="layout">What stands in front of each frame; null = nothing, and frames are sent one by one.</param>
/// <param name="begin">Asks the transport for its memory; null = it is not asked.</param>
internal sealed class FrameBatch(FrameLayout? layout = null, Func<IBufferWriter<byte>?>? begin = null)
{
    /// <summary>With its last frame, which is a small one as a rule, the batch fits into one array of 128 KiB. It is more than a connection takes (64 KiB) before its writer has to wait, so there is one under way at a time.</summary>
    private const int FullAt = 124 * 1024;

    private const int SmallestBlock = 1024;

    private readonly List<int> _ends = [];
    private IBufferWriter<byte>? _inPlace;
    private byte[] _rented = [];
    private Memory<byte> _block;
    private int _used;
    private int _length;
    private int _expected = SmallestBlock;

    public int Count { get; private set; }

    public bool IsFull => _length >= FullAt;

    /// <summary>Whether the frames lie in the transport already: then there is nothing left to do but <see cref="Clear"/> and a flush.</summary>
    public bool IsInPlace => _inPlace is not null;

    /// <summary>A frame that is not in place, with what stands in front of it.</summary>
    public ReadOnlyMemory<byte> this[int index] => this[index..(index + 1)];

    /// <summary>Neighbouring frames that are not in place, each with what stands in front of it; at least one.</summary>
    public ReadOnlyMemory<byte> this[Range range]
    {
        get
        {
            (int first, int count) = range.GetOffsetAndLength(Count);
            int start = first == 0 ? 0 : _ends[first - 1];
            return _block[start.._ends[first + count - 1]];
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
        frame.Span.CopyTo(Begin(frame.Length));
    }

    /// <summary>Adds a frame with a number (§8.3).</summary>
    /// <param name="head">What stands before the tail, with the number.</param>
    /// <param name="tail">What all sessions share.</param>
    public void AddNumbered(ReadOnlySpan<byte> head, ReadOnlySpan<byte> tail)
    {
        Span<byte> room = Begin(head.Length + tail.Length);
        head.CopyTo(room);
        tail.CopyTo(room[head.Length..]);
        NumberedCount++;
    }

    /// <summary>Begins the next batch. Nobody looks at the frames of this one any more.</summary>
    public void Clear()
    {
        _ends.Clear();
        Count = 0;
        NumberedCount = 0;
        ReadyCount = 0;
        Mark = 0;
        MustWait = false;
        if (_length == 0)
        {
            return;
        }

        _expected = _length; // the next batch is likely to be like this one
        if (_inPlace is not null)
        {
            _inPlace.Advance(_used);
            _inPlace = null;
        }
        else
        {
            ArrayPool<byte>.Shared.Return(_rented);
            _rented = [];
        }

        _block = default;
        _used = 0;
        _length = 0;
    }

    // One frame more: its header, and room for itself behind that.
    private Span<byte> Begin(int frameLength)
    {
        int needed = FrameLayout.LongestHeader + frameLength;
        if (needed > _block.Length - _used)
        {
            MakeRoom(needed);
        }

        Span<byte> room = _block.Span[_used..];
        int header = layout is null ? 0 : layout.WriteHeader(room, frameLength);
        _used += header + frameLength;
        _length += header + frameLength;
        Count++;
        if (_inPlace is null)
        {
            _ends.Add(_length);
        }

        return room.Slice(header, frameLength);
    }

    private void MakeRoom(int needed)
    {
        if (_length == 0)
        {
            _inPlace = begin?.Invoke();
        }

        int size = Math.Max(needed, Math.Max(_expected - _length, _length));
        if (_inPlace is not null)
        {
            _inPlace.Advance(_used);
            _block = _inPlace.GetMemory(size);
            _used = 0;
            return;
        }

        byte[] larger = ArrayPool<byte>.Shared.Rent(_used + size);
        _rented.AsSpan(0, _used).CopyTo(larger);
        if (_rented.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_rented);
        }

        _block = _rented = larger;
    }
}
