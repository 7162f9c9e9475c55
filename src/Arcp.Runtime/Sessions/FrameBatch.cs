using System.Buffers;

namespace Arcp.Runtime.Sessions;

/// <summary>Frames that are sent together; reused from batch to batch.</summary>
internal sealed class FrameBatch
{
    private const int FullAt = 64 * 1024;
    private const int KeptBetweenBatches = 4 * FullAt;

    private readonly List<int> _ends = [];
    private ArrayBufferWriter<byte> _bytes = new();

    /// <summary>Where the next frame is written; <see cref="EndFrame"/> closes it.</summary>
    public IBufferWriter<byte> Output => _bytes;

    public int Count => _ends.Count;

    public bool IsFull => _bytes.WrittenCount >= FullAt;

    public ReadOnlyMemory<byte> this[int index] =>
        _bytes.WrittenMemory[(index == 0 ? 0 : _ends[index - 1]).._ends[index]];

    public void Add(ReadOnlyMemory<byte> frame)
    {
        _bytes.Write(frame.Span);
        EndFrame();
    }

    public void EndFrame() => _ends.Add(_bytes.WrittenCount);

    public void Clear()
    {
        _ends.Clear();
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
