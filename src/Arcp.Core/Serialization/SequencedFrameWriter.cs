using System.Buffers;
using System.Text.Json;
using Arcp.Core.Events;
using Arcp.Core.Ids;
using Arcp.Core.Messages;
using Arcp.Core.Transports;

namespace Arcp.Core.Serialization;

/// <summary>Writes sequenced frames (§8.3) in two steps.</summary>
/// <remarks>
/// What all sessions share, a frame's <em>tail</em>, is serialised once, when the job emits it; each session puts a <see cref="SequencedFrameHead"/> before a copy of those bytes.
/// What all frames of a job share, its id and its trace, stands in the head too, so that a log does not hold it again and again.
/// Thread-safe.
/// </remarks>
public static class SequencedFrameWriter
{
    private static ReadOnlySpan<byte> BeforeType => ",\"type\":\""u8;

    private static ReadOnlySpan<byte> BeforeId => "\",\"id\":\"msg_"u8;

    private static ReadOnlySpan<byte> BeforePayload => "\",\"payload\":"u8;

    private static ReadOnlySpan<byte> BeforeBody => "\",\"body\":"u8;

    /// <summary>Writes the tail of a <c>job.event</c>.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="now">When the event happened; also the time in the frame's id.</param>
    /// <param name="body">The event.</param>
    public static void WriteEventTail(IBufferWriter<byte> output, DateTimeOffset now, EventBody body)
    {
        ArgumentNullException.ThrowIfNull(body);
        BeginTail(output, "job.event"u8, now);
        EndEventTail(output, now, body);
    }

    /// <summary>Writes the tails of two forms of one <c>job.event</c>, one behind the other: both have the same id.</summary>
    /// <param name="output">Where to; empty.</param>
    /// <param name="now">When the event happened; also the time in the frame's id.</param>
    /// <param name="body">The event.</param>
    /// <param name="otherForm">Its other form.</param>
    /// <returns>The length of the first.</returns>
    public static int WriteEventTails(FrameBuffer output, DateTimeOffset now, EventBody body, EventBody otherForm)
    {
        ArgumentNullException.ThrowIfNull(output);
        BeginTail(output, "job.event"u8, now);
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
    /// <param name="now">When the event happened; also the time in the frame's id.</param>
    /// <param name="chunk">The chunk.</param>
    public static void WriteResultChunkTail(IBufferWriter<byte> output, DateTimeOffset now, in ResultChunkBytes chunk)
    {
        BeginTail(output, "job.event"u8, now);
        BeginBody(output, EventCatalog.ResultChunkStart, now);
        Utf8JsonWriter writer = WireWriter.Rent(output);
        chunk.WriteTo(writer);
        writer.Flush();
        output.Write("}}"u8);
    }

    /// <summary>Writes the tail of a terminal frame: <see cref="JobResult"/> or <see cref="JobError"/>.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="now">The time in the frame's id.</param>
    /// <param name="message">The message.</param>
    public static void WriteTerminalTail(IBufferWriter<byte> output, DateTimeOffset now, ArcpMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        MessageCatalog.Entry entry = MessageCatalog.Of(message);
        BeginTail(output, entry.Utf8Name, now);
        Utf8JsonWriter writer = WireWriter.Rent(output);
        JsonSerializer.Serialize(writer, message, entry.Contract);
        writer.Flush();
        output.Write("}"u8);
    }

    /// <summary>Writes the tail of a <see cref="JobResult"/> with an inline result, as <see cref="WriteTerminalTail"/> does.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="now">The time in the frame's id.</param>
    /// <param name="result">The result.</param>
    /// <param name="summary">A line for people; null = none.</param>
    public static void WriteResultTail(IBufferWriter<byte> output, DateTimeOffset now, RawJson result, string? summary)
    {
        ArgumentNullException.ThrowIfNull(result);
        BeginTail(output, "job.result"u8, now);
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

    private static void BeginTail(IBufferWriter<byte> output, ReadOnlySpan<byte> type, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(output);
        Span<byte> span = output.GetSpan(BeforeType.Length + type.Length + BeforeId.Length + Ulid.Length + BeforePayload.Length);
        BeforeType.CopyTo(span);
        int length = BeforeType.Length;
        type.CopyTo(span[length..]);
        length += type.Length;
        BeforeId.CopyTo(span[length..]);
        length += BeforeId.Length;
        Ulid.Mint(now, span[length..]);
        length += Ulid.Length;
        BeforePayload.CopyTo(span[length..]);
        output.Advance(length + BeforePayload.Length);
    }
}
