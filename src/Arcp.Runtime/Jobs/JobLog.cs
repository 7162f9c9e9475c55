using System.Buffers;
using System.Numerics;
using Arcp.Core;
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

    /// <summary>Makes a log again of what <see cref="Trim"/> has put into the archive, to be read only.</summary>
    public static JobLog Unpack(JobLimits limits, ref PackedReader packed)
    {
        (long length, long bytes, long evicted) = Measure(ref packed);
        var log = new JobLog(limits, length) { Bytes = bytes };
        int offset = 0;
        for (long count = length - evicted; count > 0; count--)
        {
            var entry = new LogEntry(packed.Block, offset, (int)packed.ReadNumber(), (int)packed.ReadNumber(), (Features)packed.ReadNumber(), (EntryKind)packed.ReadNumber());
            log.Push(entry);
            offset += entry.Size;
        }

        foreach (ref LogEntry entry in log._ring.AsSpan(0, log._count))
        {
            entry = entry with { Offset = packed.Position + entry.Offset }; // the first begins behind the last size
        }

        return log;
    }

    /// <summary>What <see cref="Length"/>, <see cref="Bytes"/> and <see cref="Evicted"/> are of a log in the archive.</summary>
    public static (long Length, long Bytes, long Evicted) Measure(ref PackedReader packed) => (packed.ReadNumber(), packed.ReadNumber(), packed.ReadNumber());

    /// <summary>Gives up room that is not used: nothing more is appended. A small log goes into the archive.</summary>
    /// <param name="heading">What is put in front of it there, so that <see cref="Unpack"/> can read it; null = it is only read by those who have it.</param>
    /// <returns>Where it lies in the archive, its heading included; null = it is too large to lie there.</returns>
    public ArraySegment<byte>? Trim(FrameBuffer? heading = null)
    {
        _spareSlab = null;
        ArraySegment<byte>? archived = null;
        if (Bytes <= LogArchive.LargestLog)
        {
            archived = Archive(heading);
        }
        else if (_slabUsed < _slab.Length - (_slab.Length / 4))
        {
            TrimLastSlab();
        }

        if (_count > 0 && _count <= _ring.Length / 2)
        {
            Resize((int)BitOperations.RoundUpToPowerOf2((uint)_count));
        }

        return archived;
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

        SinkAnswer answer = SinkAnswer.More;
        while (answer is SinkAnswer.More && position < Length)
        {
            ref readonly LogEntry entry = ref _ring[Index(position - Evicted)];
            answer = sink.Accept(position + 1, entry);
            position += answer is SinkAnswer.NotTaken ? 0 : 1;
        }

        return position < Length ? LogReadStatus.More : LogReadStatus.CaughtUp;
    }

    // All entries lie there from now on, and their slab may be another log's.
    private ArraySegment<byte> Archive(FrameBuffer? heading)
    {
        if (heading is not null)
        {
            WriteSizes(heading);
        }

        ArraySegment<byte> archived = limits.Archive.Take((heading?.Length ?? 0) + (int)Bytes);
        ReadOnlySpan<byte> written = heading is null ? [] : heading.WrittenSpan;
        written.CopyTo(archived);
        int offset = archived.Offset + written.Length;
        for (int i = 0; i < _count; i++)
        {
            ref LogEntry entry = ref _ring[Index(i)];
            entry.Slab.AsSpan(entry.Offset, entry.Size).CopyTo(archived.Array.AsSpan(offset));
            entry = entry with { Slab = archived.Array!, Offset = offset };
            offset += entry.Size;
        }

        if (_slab.Length == FirstSlab && limits.Store is null)
        {
            ArrayPool<byte>.Shared.Return(_slab);
        }

        (_slab, _slabUsed) = ([], 0);
        return archived;
    }

    private void TrimLastSlab()
    {
        byte[] trimmed = _slab.AsSpan(0, _slabUsed).ToArray();
        for (int i = _count - 1; i >= 0 && _ring[Index(i)].Slab == _slab; i--)
        {
            _ring[Index(i)] = _ring[Index(i)] with { Slab = trimmed };
        }

        (_slab, _slabUsed) = ([], 0);
    }

    private void WriteSizes(FrameBuffer output)
    {
        output.WriteNumber(Length);
        output.WriteNumber(Bytes);
        output.WriteNumber(Evicted);
        for (int i = 0; i < _count; i++)
        {
            ref readonly LogEntry entry = ref _ring[Index(i)];
            output.WriteNumber(entry.Length);
            output.WriteNumber(entry.PublicLength);
            output.WriteNumber((long)entry.Required);
            output.WriteNumber((long)entry.Kind);
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

    // To a power of two, see Index.
    private void Resize(int length)
    {
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
