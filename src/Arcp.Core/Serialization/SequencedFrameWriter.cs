using System.Buffers;
using System.Text.Json;
using Arcp.Core.Events;
using Arcp.Core.Ids;
using Arcp.Core.Messages;
using Arcp.Core.Transports;

namespace Arcp.Core.Serialization;

/// <summary>Writes sequenced frames (§8.3) in two steps.</summary>
/// <remarks>
/// What all sessions share, a frame's <em>tail</em>, is serialised once, when the job emits it; each session puts its own id and number before a copy of those bytes.
/// Thread-safe.
/// </remarks>
public static class SequencedFrameWriter
{
    private static ReadOnlySpan<byte> BeforeType => ",\"type\":\""u8;

    private static ReadOnlySpan<byte> BeforePayload => "\",\"payload\":"u8;

    private static ReadOnlySpan<byte> BeforeBody => "\",\"body\":"u8;

    /// <summary>The bytes that stand in the tail of each sequenced frame of a job.</summary>
    /// <param name="jobId">The job.</param>
    /// <param name="trace">Its trace.</param>
    public static byte[] JobMembers(JobId jobId, TraceContext trace)
    {
        using var output = new FrameBuffer(int.MaxValue);
        WriteJobMembers(output, jobId, trace);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>Writes what <see cref="JobMembers"/> makes.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="jobId">The job.</param>
    /// <param name="trace">Its trace.</param>
    public static void WriteJobMembers(IBufferWriter<byte> output, JobId jobId, TraceContext trace)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(trace);
        output.Write(",\"job_id\":"u8);
        WriteText(output, jobId.Value);
        output.Write(",\"trace_id\":"u8);
        WriteText(output, trace.Value);
        output.Write(",\"id\":\"msg_"u8);
    }

    /// <summary>Writes the tail of a <c>job.event</c>.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="jobMembers">What <see cref="JobMembers"/> made.</param>
    /// <param name="now">When the event happened; also the time in the frame's id.</param>
    /// <param name="body">The event.</param>
    public static void WriteEventTail(IBufferWriter<byte> output, ReadOnlySpan<byte> jobMembers, DateTimeOffset now, EventBody body)
    {
        ArgumentNullException.ThrowIfNull(body);
        BeginTail(output, "job.event"u8, jobMembers, now);
        EndEventTail(output, now, body);
    }

    /// <summary>Writes the tails of two forms of one <c>job.event</c>, one behind the other: both have the same id.</summary>
    /// <param name="output">Where to; empty.</param>
    /// <param name="jobMembers">What <see cref="JobMembers"/> made.</param>
    /// <param name="now">When the event happened; also the time in the frame's id.</param>
    /// <param name="body">The event.</param>
    /// <param name="otherForm">Its other form.</param>
    /// <returns>The length of the first.</returns>
    public static int WriteEventTails(FrameBuffer output, ReadOnlySpan<byte> jobMembers, DateTimeOffset now, EventBody body, EventBody otherForm)
    {
        ArgumentNullException.ThrowIfNull(output);
        BeginTail(output, "job.event"u8, jobMembers, now);
        int headLength = output.Length;
        EndEventTail(output, now, body);
        int length = output.Length;
        output.GetSpan(headLength); // so that what is copied does not move
        output.Write(output.WrittenSpan[..headLength]);
        EndEventTail(output, now, otherForm);
        return length;
    }

    /// <summary>Writes the tail of a <c>job.event</c> that is a <see cref="ResultChunkEvent"/>, straight from the result's bytes.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="jobMembers">What <see cref="JobMembers"/> made.</param>
    /// <param name="now">When the event happened; also the time in the frame's id.</param>
    /// <param name="chunk">The chunk.</param>
    public static void WriteResultChunkTail(IBufferWriter<byte> output, ReadOnlySpan<byte> jobMembers, DateTimeOffset now, in ResultChunkBytes chunk)
    {
        BeginTail(output, "job.event"u8, jobMembers, now);
        BeginBody(output, EventCatalog.ResultChunkStart, now);
        Utf8JsonWriter writer = WireWriter.Rent(output);
        chunk.WriteTo(writer);
        writer.Flush();
        output.Write("}}"u8);
    }

    /// <summary>Writes the tail of a terminal frame: <see cref="JobResult"/> or <see cref="JobError"/>.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="jobMembers">What <see cref="JobMembers"/> made.</param>
    /// <param name="now">The time in the frame's id.</param>
    /// <param name="message">The message.</param>
    public static void WriteTerminalTail(IBufferWriter<byte> output, ReadOnlySpan<byte> jobMembers, DateTimeOffset now, ArcpMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        MessageCatalog.Entry entry = MessageCatalog.Of(message);
        BeginTail(output, entry.Utf8Name, jobMembers, now);
        Utf8JsonWriter writer = WireWriter.Rent(output);
        JsonSerializer.Serialize(writer, message, entry.Contract);
        writer.Flush();
        output.Write("}"u8);
    }

    /// <summary>Writes the tail of a <see cref="JobResult"/> with an inline result, as <see cref="WriteTerminalTail"/> does.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="jobMembers">What <see cref="JobMembers"/> made.</param>
    /// <param name="now">The time in the frame's id.</param>
    /// <param name="result">The result.</param>
    /// <param name="summary">A line for people; null = none.</param>
    public static void WriteResultTail(IBufferWriter<byte> output, ReadOnlySpan<byte> jobMembers, DateTimeOffset now, RawJson result, string? summary)
    {
        ArgumentNullException.ThrowIfNull(result);
        BeginTail(output, "job.result"u8, jobMembers, now);
        Utf8JsonWriter writer = WireWriter.Rent(output);
        writer.WriteStartObject();
        writer.WriteString("final_status"u8, JobStatus.Success.Value);
        writer.WritePropertyName("result"u8);
        writer.WriteRawValue(result.Utf8.Span, skipInputValidation: true);
        WireWriter.WriteMember(writer, "summary"u8, summary);
        WireWriter.End(writer);
        output.Write("}"u8);
    }

    private static void EndEventTail(IBufferWriter<byte> output, DateTimeOffset now, EventBody body)
    {
        if (EventCatalog.PayloadStart(body) is { } start)
        {
            BeginBody(output, start, now);
            Utf8JsonWriter writer = WireWriter.Rent(output);
            EventCatalog.Write(writer, body);
            writer.Flush();
            output.Write("}}"u8);
        }
        else
        {
            Utf8JsonWriter writer = WireWriter.Rent(output);
            JobEventConverter.Write(writer, now, body);
            writer.Flush();
            output.Write("}"u8);
        }
    }

    private static void BeginBody(IBufferWriter<byte> output, byte[] payloadStart, DateTimeOffset now)
    {
        Span<byte> span = output.GetSpan(payloadStart.Length + TimestampConverter.MaxLength + BeforeBody.Length);
        payloadStart.CopyTo(span);
        int length = payloadStart.Length + TimestampConverter.Format(now, span[payloadStart.Length..]);
        BeforeBody.CopyTo(span[length..]);
        output.Advance(length + BeforeBody.Length);
    }

    private static void BeginTail(IBufferWriter<byte> output, ReadOnlySpan<byte> type, ReadOnlySpan<byte> jobMembers, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(output);
        Span<byte> span = output.GetSpan(BeforeType.Length + type.Length + 1 + jobMembers.Length + Ulid.Length + BeforePayload.Length);
        BeforeType.CopyTo(span);
        int length = BeforeType.Length;
        type.CopyTo(span[length..]);
        length += type.Length;
        span[length++] = (byte)'"';
        jobMembers.CopyTo(span[length..]);
        length += jobMembers.Length;
        Ulid.Mint(now, span[length..]);
        length += Ulid.Length;
        BeforePayload.CopyTo(span[length..]);
        output.Advance(length + BeforePayload.Length);
    }

    private static void WriteText(IBufferWriter<byte> output, string text)
    {
        Utf8JsonWriter writer = WireWriter.Rent(output);
        writer.WriteStringValue(text);
        writer.Flush();
    }
}
