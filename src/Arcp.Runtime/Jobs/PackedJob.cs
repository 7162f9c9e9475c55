using System.Buffers.Binary;
using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Transports;

namespace Arcp.Runtime.Jobs;

/// <summary>What no other job has of one that has ended, as a record in the archive: numbers, its texts and, behind them, its log.</summary>
/// <param name="Record">The record.</param>
internal readonly record struct PackedJob(ArchivedRecord Record)
{
    // In front: its number, when it was created, when it ended, and how.
    private const int CreatedAtAt = 8;
    private const int EndedTimestampAt = 16;
    private const int StatusAt = 24;
    private const int HeadSize = 25;

    /// <summary>Behind it: the id, the trace, and the parent's id.</summary>
    private const int Texts = 3;

    /// <summary>The most bytes that an id takes, with its length.</summary>
    private const int LongestId = 2 + (3 * ArcpId.MaxLength);

    private static readonly JobStatus[] Ends = [JobStatus.Success, JobStatus.Error, JobStatus.Cancelled, JobStatus.TimedOut];

    [ThreadStatic]
    private static FrameBuffer? _scratch;

    /// <summary>The job's number in the <see cref="JobTable"/>.</summary>
    public long Number => ReadInt64(0);

    public DateTimeOffset CreatedAt => new(ReadInt64(CreatedAtAt), TimeSpan.Zero);

    /// <summary>When it ended, on the monotonic clock.</summary>
    public long EndedTimestamp => ReadInt64(EndedTimestampAt);

    /// <summary>How the job ended.</summary>
    public JobStatus Status
    {
        get
        {
            Span<byte> head = stackalloc byte[HeadSize];
            Record.CopyTo(head);
            return Ends[head[StatusAt]];
        }
    }

    public JobId Id
    {
        get
        {
            Span<byte> start = stackalloc byte[HeadSize + LongestId];
            Record.CopyTo(start);
            var reader = new PackedReader(start[HeadSize..]);
            return new JobId(reader.ReadText());
        }
    }

    /// <summary>Its log alone.</summary>
    public PackedLog Log
    {
        get
        {
            byte[] bytes = Copy();
            var reader = new PackedReader(bytes, HeadSize);
            for (int text = 0; text < Texts; text++)
            {
                reader.ReadBytes();
            }

            return new PackedLog(bytes, reader);
        }
    }

    /// <summary>Writes all but the log.</summary>
    /// <param name="spec">The job.</param>
    /// <param name="number">See <see cref="Number"/>.</param>
    /// <param name="status">How it has ended.</param>
    /// <param name="endedTimestamp">When.</param>
    /// <returns>A buffer of the thread, to which the log may be added; it holds until the thread's next call.</returns>
    public static FrameBuffer Write(JobSpec spec, long number, JobStatus status, long endedTimestamp)
    {
        FrameBuffer output = _scratch ??= new FrameBuffer(int.MaxValue);
        output.Clear();
        Span<byte> head = output.GetSpan(HeadSize);
        BinaryPrimitives.WriteInt64LittleEndian(head, number);
        BinaryPrimitives.WriteInt64LittleEndian(head[CreatedAtAt..], spec.CreatedAt.UtcTicks);
        BinaryPrimitives.WriteInt64LittleEndian(head[EndedTimestampAt..], endedTimestamp);
        head[StatusAt] = (byte)Array.IndexOf(Ends, status);
        output.Advance(HeadSize);
        output.WriteText(spec.Id.Value);
        output.WriteText(spec.Trace.Value);
        output.WriteText(spec.ParentId?.Value ?? string.Empty);
        return output;
    }

    /// <summary>What alone is kept of a job that stays an object.</summary>
    /// <param name="written">What <see cref="Write"/> gave.</param>
    public static ReadOnlySpan<byte> HeadOf(FrameBuffer written) => written.WrittenSpan[..HeadSize];

    /// <summary>Reads all of it.</summary>
    public UnpackedJob Read()
    {
        byte[] bytes = Copy();
        var reader = new PackedReader(bytes, HeadSize);
        return new UnpackedJob
        {
            Spec = new JobSpec
            {
                Id = new JobId(reader.ReadText()),
                Origin = Record.Origin,
                Trace = TraceContext.TryParse(reader.ReadText(), out TraceContext? trace) ? trace : throw new InvalidOperationException("The job's trace does not parse any more."),
                CreatedAt = new DateTimeOffset(BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(CreatedAtAt)), TimeSpan.Zero),
                ParentId = reader.ReadText() is { Length: > 0 } parent ? new JobId(parent) : null,
            },
            Status = Ends[bytes[StatusAt]],
            Log = new PackedLog(bytes, reader),
        };
    }

    private byte[] Copy()
    {
        byte[] bytes = new byte[Record.Length];
        Record.CopyTo(bytes);
        return bytes;
    }

    private long ReadInt64(int at)
    {
        Span<byte> head = stackalloc byte[HeadSize];
        Record.CopyTo(head);
        return BinaryPrimitives.ReadInt64LittleEndian(head[at..]);
    }
}

/// <summary>What a <see cref="PackedJob"/> tells.</summary>
internal readonly ref struct UnpackedJob
{
    /// <summary>The job; what concerned its run alone is not kept.</summary>
    public required JobSpec Spec { get; init; }

    /// <summary>How it ended.</summary>
    public required JobStatus Status { get; init; }

    public required PackedLog Log { get; init; }
}
