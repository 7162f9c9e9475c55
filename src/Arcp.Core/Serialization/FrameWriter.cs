using System.Buffers;
using System.Text.Json;
using Arcp.Core.Ids;
using Arcp.Core.Messages;

namespace Arcp.Core.Serialization;

/// <summary>Writes whole frames (§5); those with a number, which many sessions share the most of, are the <see cref="SequencedFrameWriter"/>'s. Thread-safe.</summary>
public static class FrameWriter
{
    /// <summary>Writes a whole frame.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="envelope">The frame; a header without an id is written without one.</param>
    public static void Write(IBufferWriter<byte> output, Envelope envelope)
    {
        ArgumentNullException.ThrowIfNull(envelope);
        Write(output, envelope.Header, envelope.Message);
    }

    /// <summary>Writes a whole frame.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="header">The header.</param>
    /// <param name="message">The payload.</param>
    /// <param name="mintId">The time of the new id that a header without one is given; null = it is written without one.</param>
    public static void Write(IBufferWriter<byte> output, in FrameHeader header, ArcpMessage message, DateTimeOffset? mintId = null)
    {
        ArgumentNullException.ThrowIfNull(message);
        MessageCatalog.Entry entry = MessageCatalog.Of(message);
        Utf8JsonWriter writer = Begin(output, entry, header, mintId);
        if (!FrequentMessages.TryWrite(writer, message))
        {
            JsonSerializer.Serialize(writer, message, entry.Contract);
        }

        WireWriter.End(writer);
    }

    /// <summary>Writes a whole frame around a payload that has been serialised before; its bytes are copied as they are.</summary>
    /// <typeparam name="TMessage">The message that the payload is of.</typeparam>
    /// <param name="output">Where to.</param>
    /// <param name="header">The header.</param>
    /// <param name="payload">The payload, as <see cref="WritePayload"/> made it.</param>
    public static void Write<TMessage>(IBufferWriter<byte> output, FrameHeader header, ReadOnlySpan<byte> payload)
        where TMessage : ArcpMessage
    {
        Utf8JsonWriter writer = Begin(output, MessageCatalog.Of<TMessage>(), header, mintId: null);
        writer.WriteRawValue(payload, skipInputValidation: true);
        WireWriter.End(writer);
    }

    /// <summary>Serialises a payload alone.</summary>
    /// <param name="message">The payload.</param>
    public static byte[] WritePayload(ArcpMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        return JsonSerializer.SerializeToUtf8Bytes(message, MessageCatalog.Of(message).Contract);
    }

    private static Utf8JsonWriter Begin(IBufferWriter<byte> output, MessageCatalog.Entry entry, in FrameHeader header, DateTimeOffset? mintId)
    {
        Utf8JsonWriter writer = WireWriter.Rent(output);
        writer.WriteStartObject();
        writer.WriteString("arcp"u8, "1.1"u8);
        if (header.Id is null && mintId is { } now)
        {
            WriteNewId(writer, now);
        }
        else
        {
            WireWriter.WriteMember(writer, "id"u8, header.Id?.Value);
        }

        writer.WriteString("type"u8, entry.Utf8Name);
        WireWriter.WriteMember(writer, "session_id"u8, header.SessionId?.Value);
        WireWriter.WriteMember(writer, "job_id"u8, header.JobId?.Value);
        WireWriter.WriteMember(writer, "trace_id"u8, header.Trace?.Value);
        WireWriter.WriteMember(writer, "request_id"u8, header.RequestId?.Value);
        if (header.EventSeq is { } eventSeq)
        {
            writer.WriteNumber("event_seq"u8, eventSeq);
        }

        writer.WritePropertyName("payload"u8);
        return writer;
    }

    private static void WriteNewId(Utf8JsonWriter writer, DateTimeOffset now)
    {
        ReadOnlySpan<byte> prefix = "msg_"u8;
        Span<byte> id = stackalloc byte[prefix.Length + Ulid.Length];
        prefix.CopyTo(id);
        Ulid.Mint(now, id[prefix.Length..]);
        writer.WriteString("id"u8, id);
    }
}
