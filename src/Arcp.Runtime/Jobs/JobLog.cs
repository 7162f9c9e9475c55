using System.Buffers;
using System.Numerics;
using Arcp.Core.Transports;
using Arcp.Runtime.Diagnostics;

namespace Arcp.Runtime.Jobs;

/// <summary>What a log reading came to.</summary>
internal enum LogReadStatus
{
    /// <summary>All there is has been read.</summary>
    CaughtUp,

    /// <summary>There is more.</summary>
    More,

    /// <summary>What comes next is no longer held.</summary>
    Gone,

    /// <summary>What comes next is in the runtime's store, and has to be read from there first.</summary>
    Away,
}

/// <summary>A job's events and its terminal frame, numbered 1..n, as the bytes that all sessions share (§8.3).</summary>
/// <remarks>
/// Needs its job's lock, also for as long as bytes are looked at. Beyond its limits the oldest entries go, the last one never. A log that is full goes on
/// in the slabs of what has gone, unless the runtime's store may still have to write that down. A part of its <see cref="JobFeed"/>, there are many: not to be copied.
/// </remarks>
/// <param name="limits">The limits.</param>
/// <param name="length">How many entries there were in an earlier run; none of them is in memory.</param>
internal struct JobLog(JobLimits limits, long length = 0)
{
    private const int FirstSlab = 512;
    private const int LargestSlab = 64 * 1024;

    private LogEntry[] _ring = new LogEntry[2];
    private int _start;
    private int _count;
    private byte[] _slab = [];
    private byte[]? _spareSlab;
    private int _slabUsed;
    private bool _isReleased;
    private PackedJob _packed; // where the log lies when the ring is empty

    /// <summary>How many entries there have ever been: the number of the last one.</summary>
    public long Length { get; private set; } = length;

    /// <summary>The bytes held.</summary>
    public long Bytes { get; private set; }

    /// <summary>How many entries have gone.</summary>
    public long Evicted => Length - _count;

    /// <summary>Whether an append would make older entries go.</summary>
    public bool IsFullFor(int bytes) =>
        _count > 0 && (_count >= limits.MaxEntries || Bytes + bytes > limits.MaxBytes || limits.Memory.IsFull);

    /// <summary>Counts the log's bytes no longer: its job is forgotten by all but those who still read it.</summary>
    public void Release()
    {
        limits.Memory.Add(-Bytes);
        _isReleased = true;
    }

    /// <summary>Appends an entry.</summary>
    /// <param name="entry">The entry; its bytes are copied.</param>
    /// <param name="keepFrom">When there are too many, the oldest entries go up to this one, which stays.</param>
    /// <returns>The entry as it is held now.</returns>
    public LogEntry Append(in NewEntry entry, long keepFrom = long.MaxValue)
    {
        ReadOnlySpan<byte> bytes = entry.Bytes;
        if (bytes.Length > _slab.Length - _slabUsed)
        {
            TakeSlab(bytes.Length);
        }

        bytes.CopyTo(_slab.AsSpan(_slabUsed));
        var held = new LogEntry(_slab, _slabUsed, bytes.Length - entry.PublicLength, entry.PublicLength, entry.Required, entry.Kind);
        Push(held);
        _slabUsed += bytes.Length;
        Count(bytes.Length);
        Length++;
        ArcpTelemetry.EventsEmitted.Add(1);
        while (_count > 1 && Evicted + 1 < keepFrom && (_count > limits.MaxEntries || Bytes > limits.MaxBytes || limits.Memory.IsFull))
        {
            Evict();
        }

        return held;
    }

    /// <summary>Makes a log again of what <see cref="Pack"/> has written, to be read only.</summary>
    public static JobLog Unpack(JobLimits limits, in PackedLog packed)
    {
        var ring = new LogEntry[RingLength(packed.Count)];
        packed.ReadInto(ring.AsSpan(0, packed.Count));
        return new JobLog(limits, packed.Length) { Bytes = packed.Bytes, _ring = ring, _count = packed.Count };
    }

    /// <summary>Writes the log for <see cref="Unpack"/>: nothing more is appended.</summary>
    /// <param name="output">Where to.</param>
    public void Pack(FrameBuffer output)
    {
        Resize(_ring.Length); // in order
        PackedLog.Write(output, Length, Bytes, _ring.AsSpan(0, _count));
    }

    /// <summary>Gives up what is in the archive, too. Whoever reads the log again reads it from there.</summary>
    /// <param name="packed">Where it lies.</param>
    public void LetGo(PackedJob packed)
    {
        ReturnSlab();
        (_ring, _slab, _packed) = ([], [], packed);
    }

    /// <summary>Gives up room that is not used: nothing more is appended.</summary>
    public void Trim()
    {
        _spareSlab = null;
        if (_slabUsed < _slab.Length - (_slab.Length / 4))
        {
            TrimLastSlab();
        }

        if (RingLength(_count) < _ring.Length)
        {
            Resize(RingLength(_count));
        }
    }

    /// <summary>Hands entries to a sink, from the one behind <paramref name="position"/> on.</summary>
    /// <param name="position">The number of the last entry that was read; moved on.</param>
    /// <param name="sink">Takes them until it is full.</param>
    public LogReadStatus Read<TSink>(ref long position, ref TSink sink)
        where TSink : struct, ILogSink
    {
        if (position < Evicted)
        {
            return LogReadStatus.Gone;
        }

        if (_ring.Length == 0)
        {
            this = Unpack(limits, _packed.Log);
        }

        SinkAnswer answer = SinkAnswer.More;
        while (answer is SinkAnswer.More && position < Length)
        {
            ref readonly LogEntry entry = ref _ring[Index(position - Evicted)];
            answer = sink.Accept(position + 1, entry);
            position += answer is SinkAnswer.NotTaken ? 0 : 1;
        }

        return position < Length ? LogReadStatus.More : LogReadStatus.CaughtUp;
    }

    private void TrimLastSlab()
    {
        byte[] trimmed = _slab.AsSpan(0, _slabUsed).ToArray();
        for (int i = _count - 1; i >= 0 && _ring[Index(i)].Slab == _slab; i--)
        {
            _ring[Index(i)] = _ring[Index(i)] with { Slab = trimmed };
        }

        ReturnSlab();
        (_slab, _slabUsed) = ([], 0);
    }

    // The runtime's store may still have to write down what is in it.
    private readonly void ReturnSlab()
    {
        if (_slab.Length == FirstSlab && limits.Store is null)
        {
            ArrayPool<byte>.Shared.Return(_slab);
        }
    }

    private void Count(int bytes)
    {
        Bytes += bytes;
        if (!_isReleased)
        {
            limits.Memory.Add(bytes);
        }
    }

    // Small jobs stay small, long ones soon use large slabs.
    private void TakeSlab(int needed)
    {
        int size = Math.Max(needed, Math.Min(LargestSlab, Math.Max(FirstSlab, _slab.Length * 2)));
        _slab = _spareSlab?.Length >= size ? _spareSlab
            : size == FirstSlab ? ArrayPool<byte>.Shared.Rent(size)
            : new byte[size];
        _spareSlab = null;
        _slabUsed = 0;
    }

    private void Evict()
    {
        byte[] slab = _ring[_start].Slab;
        Count(-_ring[_start].Size);
        ArcpTelemetry.EventsEvicted.Add(1);
        _ring[_start] = default;
        _start = Index(1);
        _count--;
        if (_ring[_start].Slab != slab && limits.Store is null)
        {
            _spareSlab = slab;
        }
    }

    private int Index(long behindStart) => (int)(_start + behindStart) & (_ring.Length - 1);

    // A power of two, see Index.
    private static int RingLength(int count) => (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(count, 1));

    // Puts the entries in order, too.
    private void Resize(int length)
    {
        if (_start == 0 && length == _ring.Length)
        {
            return;
        }

        var ring = new LogEntry[length];
        for (int i = 0; i < _count; i++)
        {
            ring[i] = _ring[Index(i)];
        }

        _ring = ring;
        _start = 0;
    }

    private void Push(in LogEntry entry)
    {
        if (_count == _ring.Length)
        {
            Resize(_ring.Length * 2);
        }

        _ring[Index(_count)] = entry;
        _count++;
    }
}
