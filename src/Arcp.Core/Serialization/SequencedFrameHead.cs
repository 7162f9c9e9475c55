using System.Buffers;
using System.Buffers.Text;
using System.Text.Json;
using Arcp.Core.Ids;
using Arcp.Core.Transports;

namespace Arcp.Core.Serialization;

/// <summary>What stands in front of the tail in each sequenced frame of one session (§8.3): the session's id, the frame's number, and the job with its trace.</summary>
/// <remarks>A number that is one above the last is counted up where it stands, and a job that is the last one's stays. Not thread-safe.</remarks>
public sealed class SequencedFrameHead
{
    private const int LongestNumber = 20;

    [ThreadStatic]
    private static FrameBuffer? _scratch;

    private readonly int _numberAt;
    private byte[] _bytes;
    private int _numberEnd;
    private int _length;
    private long _number;

    // The job whose members stand behind the number; null = none is there.
    private string? _jobId;
    private TraceContext? _trace;

    /// <summary>Prepares the heads of a session.</summary>
    /// <param name="sessionId">The session.</param>
    public SequencedFrameHead(SessionId sessionId)
    {
        _bytes =
        [
            .. "{\"arcp\":\"1.1\",\"session_id\":"u8,
            .. JsonSerializer.SerializeToUtf8Bytes(sessionId, WireJson.Context.SessionId),
            .. ",\"event_seq\":"u8,
            .. new byte[LongestNumber],
        ];
        _numberAt = _numberEnd = _bytes.Length - LongestNumber;
    }

    /// <summary>The head of a frame. The frame is it and the tail that <see cref="SequencedFrameWriter"/> wrote.</summary>
    /// <param name="eventSeq">The frame's number in the session; at least 0.</param>
    /// <param name="jobId">Whose frame it is.</param>
    /// <param name="trace">The job's trace.</param>
    /// <returns>Its bytes; valid until the next call.</returns>
    public ReadOnlySpan<byte> For(long eventSeq, JobId jobId, TraceContext trace)
    {
        Number(eventSeq);
        if (!ReferenceEquals(jobId.Value, _jobId) || !ReferenceEquals(trace, _trace))
        {
            WriteJob(jobId, trace);
        }

        return _bytes.AsSpan(0, _length);
    }

    /// <summary>The first part of a frame's head, up to its number: what is the same for all jobs.</summary>
    /// <param name="eventSeq">The frame's number in the session; at least 0.</param>
    /// <returns>Its bytes; valid until the next call.</returns>
    public ReadOnlySpan<byte> UpToNumber(long eventSeq)
    {
        Number(eventSeq);
        return _bytes.AsSpan(0, _numberEnd);
    }

    private void Number(long eventSeq)
    {
        if (eventSeq - 1 != _number || !TryCountUp())
        {
            _ = Utf8Formatter.TryFormat(eventSeq, _bytes.AsSpan(_numberAt), out int digits);
            if (_numberAt + digits != _numberEnd)
            {
                _numberEnd = _numberAt + digits;
                _jobId = null; // it stood behind another end
            }
        }

        _number = eventSeq;
    }

    // Not when it takes a digit more.
    private bool TryCountUp()
    {
        for (int i = _numberEnd - 1; i >= _numberAt; i--)
        {
            if (_bytes[i]++ != (byte)'9')
            {
                return true;
            }

            _bytes[i] = (byte)'0';
        }

        return false;
    }

    private void WriteJob(JobId jobId, TraceContext trace)
    {
        ArgumentNullException.ThrowIfNull(trace);
        FrameBuffer output = _scratch ??= new FrameBuffer(int.MaxValue);
        output.Clear();
        output.Write(",\"job_id\":"u8);
        WriteText(output, jobId.Value);
        output.Write(",\"trace_id\":"u8);
        WriteText(output, trace.Value);
        int needed = _numberAt + LongestNumber + output.Length;
        if (_bytes.Length < needed)
        {
            Array.Resize(ref _bytes, needed);
        }

        output.WrittenSpan.CopyTo(_bytes.AsSpan(_numberEnd));
        _length = _numberEnd + output.Length;
        (_jobId, _trace) = (jobId.Value, trace);
    }

    private static void WriteText(FrameBuffer output, string text)
    {
        Utf8JsonWriter writer = WireWriter.Rent(output);
        writer.WriteStringValue(text);
        writer.Flush();
    }
}
