using System.Text;
using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Transports;

namespace Arcp.Runtime.Jobs;

/// <summary>What no other job has of one that has ended, as bytes in the archive: how it ended, its texts and, behind them, its log.</summary>
/// <param name="Block">Where it lies.</param>
/// <param name="Offset">Where it begins there.</param>
internal readonly record struct PackedJob(byte[] Block, int Offset)
{
    private static readonly JobStatus[] Ends = [JobStatus.Success, JobStatus.Error, JobStatus.Cancelled, JobStatus.TimedOut];

    [ThreadStatic]
    private static FrameBuffer? _scratch;

    /// <summary>How the job ended.</summary>
    public JobStatus Status => Ends[new PackedReader(Block, Offset).ReadNumber()];

    public JobId Id => new(BehindTexts(0).ReadText());

    public TraceContext Trace =>
        TraceContext.TryParse(BehindTexts(1).ReadText(), out TraceContext? trace) ? trace : throw new InvalidOperationException("The job's trace does not parse any more.");

    public JobId? ParentId => BehindTexts(2).ReadText() is { Length: > 0 } parent ? new JobId(parent) : null;

    /// <summary>Reads its log, see <see cref="JobLog.Unpack"/>.</summary>
    public PackedReader Log => BehindTexts(3);

    /// <summary>Writes all but the log.</summary>
    /// <param name="spec">The job.</param>
    /// <param name="status">How it has ended.</param>
    /// <returns>A buffer of the thread, to which the log's sizes are added; it holds until the thread's next call.</returns>
    public static FrameBuffer Write(JobSpec spec, JobStatus status)
    {
        FrameBuffer output = _scratch ??= new FrameBuffer(int.MaxValue);
        output.Clear();
        output.WriteNumber(Array.IndexOf(Ends, status));
        output.WriteText(spec.Id.Value);
        output.WriteText(spec.Trace.Value);
        output.WriteText(spec.ParentId?.Value ?? string.Empty);
        return output;
    }

    /// <summary>Its id, as characters in a buffer.</summary>
    public ReadOnlySpan<char> IdInto(Span<char> buffer) => buffer[..Encoding.UTF8.GetChars(BehindTexts(0).ReadBytes(), buffer)];

    private PackedReader BehindTexts(int count)
    {
        var reader = new PackedReader(Block, Offset);
        reader.ReadNumber();
        for (int i = 0; i < count; i++)
        {
            reader.ReadBytes();
        }

        return reader;
    }
}
