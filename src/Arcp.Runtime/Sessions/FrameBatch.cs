using System.Buffers;

namespace Arcp.Runtime.Sessions;

/// <summary>Frames that are sent together; reused from batch to batch.</summary>
internal sealed class FrameBatch
{
    private const int FullAt = 64 * 1024;
    private const int KeptBetweenBatches = 4 * FullAt;

    private readonly List<int> _ends = [];
    private ArrayBufferWriter<byte> _bytes = new();

    /// <summary>Where the next frame is written; <see cref="EndNumbered"/> closes it.</summary>
    public IBufferWriter<byte> Output => _bytes;

    public int Count => _ends.Count;

    public bool IsFull => _bytes.WrittenCount >= FullAt;

    public ReadOnlyMemory<byte> this[int index] =>
        _bytes.WrittenMemory[(index == 0 ? 0 : _ends[index - 1]).._ends[index]];

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
        _bytes.Write(frame.Span);
        _ends.Add(_bytes.WrittenCount);
    }

    /// <summary>Ends a frame with a number.</summary>
    public void EndNumbered()
    {
        _ends.Add(_bytes.WrittenCount);
        NumberedCount++;
    }

    public void Clear()
    {
        _ends.Clear();
        NumberedCount = 0;
        ReadyCount = 0;
        Mark = 0;
        MustWait = false;
        if (_bytes.Capacity > KeptBetweenBatches)
        {
            _bytes = new ArrayBufferWriter<byte>();
        }
        else
        {
            _bytes.ResetWrittenCount();
        }
    }
}
