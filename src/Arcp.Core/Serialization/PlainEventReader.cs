using System.Text.Json;
using Arcp.Core.Events;
using Arcp.Core.Ids;
using Arcp.Core.Messages;
using static Arcp.Core.Serialization.PlainValues;

namespace Arcp.Core.Serialization;

/// <summary>
/// Reads the payload of a <c>job.event</c> on the way through the frame, as it mostly is: a kind of ours before its body, each member once, known,
/// present and of its type. Whatever else there is is left to the contracts (<see cref="JobEventConverter"/>), which alone decide what it means.
/// </summary>
internal static class PlainEventReader
{
    private static readonly (byte[] Kind, BodyReader Read)[] Bodies =
    [
        ("log"u8.ToArray(), ReadLog),
        ("thought"u8.ToArray(), ReadThought),
        ("progress"u8.ToArray(), ReadProgress),
        ("result_chunk"u8.ToArray(), ReadResultChunk),
        ("tool_call"u8.ToArray(), ReadToolCall),
        ("tool_result"u8.ToArray(), ReadToolResult),
        ("status"u8.ToArray(), ReadStatus),
        ("metric"u8.ToArray(), ReadMetric),
    ];

    private delegate EventBody? BodyReader(ReadOnlySpan<byte> frame, ref Utf8JsonReader reader);

    /// <summary>Reads the payload if it is plain.</summary>
    /// <param name="frame">The frame; valid UTF-8.</param>
    /// <param name="reader">Stands at the payload's first token; goes to its last one when it was read, and nowhere otherwise.</param>
    /// <returns>The event; null = the contracts have to look.</returns>
    /// <exception cref="JsonException">The frame is not valid JSON.</exception>
    public static JobEvent? TryRead(ReadOnlySpan<byte> frame, ref Utf8JsonReader reader)
    {
        Utf8JsonReader attempt = reader;
        JobEvent? read = Read(frame, ref attempt);
        if (read is not null)
        {
            reader = attempt;
        }

        return read;
    }

    private static JobEvent? Read(ReadOnlySpan<byte> frame, ref Utf8JsonReader reader)
    {
        if (reader.TokenType is not JsonTokenType.StartObject)
        {
            return null;
        }

        BodyReader? kind = null;
        DateTimeOffset? ts = null;
        EventBody? body = null;
        while (TryNextMember(ref reader, out ReadOnlySpan<byte> name))
        {
            if (kind is null && name.SequenceEqual("kind"u8) && Find(reader) is { } found)
            {
                kind = found;
            }
            else if (ts is null && name.SequenceEqual("ts"u8) && TimestampConverter.TryRead(ref reader, out DateTimeOffset moment))
            {
                ts = moment;
            }
            else if (body is null && kind is not null && name.SequenceEqual("body"u8) && reader.TokenType is JsonTokenType.StartObject)
            {
                body = kind(frame, ref reader);
                if (body is null)
                {
                    return null;
                }
            }
            else
            {
                return null;
            }
        }

        return body is not null ? new JobEvent { Ts = ts, Body = body } : null;
    }

    private static BodyReader? Find(in Utf8JsonReader reader)
    {
        if (reader is { TokenType: JsonTokenType.String, ValueIsEscaped: false })
        {
            foreach ((byte[] kind, BodyReader read) in Bodies)
            {
                if (reader.ValueSpan.SequenceEqual(kind))
                {
                    return read;
                }
            }
        }

        return null;
    }

    private static LogEvent? ReadLog(ReadOnlySpan<byte> frame, ref Utf8JsonReader reader)
    {
        (string? level, string? message, RawJson? attributes) = (null, null, null);
        while (TryNextMember(ref reader, out ReadOnlySpan<byte> name))
        {
            if (!(name.SequenceEqual("level"u8) ? TryReadLevel(ref reader, ref level)
                : name.SequenceEqual("message"u8) ? TryReadText(ref reader, ref message)
                : name.SequenceEqual("attributes"u8) && TryReadRaw(frame, ref reader, ref attributes)))
            {
                return null;
            }
        }

        return level is null || message is null ? null : new LogEvent { Level = level, Message = message, Attributes = attributes };
    }

    private static ThoughtEvent? ReadThought(ReadOnlySpan<byte> frame, ref Utf8JsonReader reader)
    {
        string? text = null;
        while (TryNextMember(ref reader, out ReadOnlySpan<byte> name))
        {
            if (!(name.SequenceEqual("text"u8) && TryReadText(ref reader, ref text)))
            {
                return null;
            }
        }

        return text is null ? null : new ThoughtEvent { Text = text };
    }

    private static ProgressEvent? ReadProgress(ReadOnlySpan<byte> frame, ref Utf8JsonReader reader)
    {
        (double? current, double? total, string? units, string? message) = (null, null, null, null);
        while (TryNextMember(ref reader, out ReadOnlySpan<byte> name))
        {
            if (!(name.SequenceEqual("current"u8) ? TryReadNumber(ref reader, ref current)
                : name.SequenceEqual("total"u8) ? TryReadNumber(ref reader, ref total)
                : name.SequenceEqual("units"u8) ? TryReadText(ref reader, ref units)
                : name.SequenceEqual("message"u8) && TryReadText(ref reader, ref message)))
            {
                return null;
            }
        }

        return current is not >= 0 ? null : new ProgressEvent { Current = current.Value, Total = total, Units = units, Message = message };
    }

    private static ResultChunkEvent? ReadResultChunk(ReadOnlySpan<byte> frame, ref Utf8JsonReader reader)
    {
        (string? resultId, long? chunkSeq, string? data, string? encoding, bool? more) = (null, null, null, null, null);
        while (TryNextMember(ref reader, out ReadOnlySpan<byte> name))
        {
            if (!(name.SequenceEqual("result_id"u8) ? TryReadText(ref reader, ref resultId)
                : name.SequenceEqual("chunk_seq"u8) ? TryReadNumber(ref reader, ref chunkSeq)
                : name.SequenceEqual("data"u8) ? TryReadText(ref reader, ref data)
                : name.SequenceEqual("encoding"u8) ? TryReadText(ref reader, ref encoding)
                : name.SequenceEqual("more"u8) && TryReadTruth(ref reader, ref more)))
            {
                return null;
            }
        }

        return !ArcpId.IsValid(resultId) || chunkSeq is null || data is null || encoding is null || more is null
            ? null
            : new ResultChunkEvent { ResultId = new ResultId(resultId!), ChunkSeq = chunkSeq.Value, Data = data, Encoding = encoding, More = more.Value };
    }

    private static ToolCallEvent? ReadToolCall(ReadOnlySpan<byte> frame, ref Utf8JsonReader reader)
    {
        (string? tool, RawJson? args, string? callId) = (null, null, null);
        while (TryNextMember(ref reader, out ReadOnlySpan<byte> name))
        {
            if (!(name.SequenceEqual("tool"u8) ? TryReadText(ref reader, ref tool)
                : name.SequenceEqual("args"u8) ? TryReadRaw(frame, ref reader, ref args)
                : name.SequenceEqual("call_id"u8) && TryReadText(ref reader, ref callId)))
            {
                return null;
            }
        }

        return tool is null || callId is null ? null : new ToolCallEvent { Tool = tool, Args = args, CallId = callId };
    }

    private static ToolResultEvent? ReadToolResult(ReadOnlySpan<byte> frame, ref Utf8JsonReader reader)
    {
        (string? callId, RawJson? result) = (null, null);
        while (TryNextMember(ref reader, out ReadOnlySpan<byte> name))
        {
            if (!(name.SequenceEqual("call_id"u8) ? TryReadText(ref reader, ref callId)
                : name.SequenceEqual("result"u8) && TryReadRaw(frame, ref reader, ref result)))
            {
                return null;
            }
        }

        return callId is null || result is null ? null : new ToolResultEvent { CallId = callId, Result = result };
    }

    private static StatusEvent? ReadStatus(ReadOnlySpan<byte> frame, ref Utf8JsonReader reader)
    {
        (string? phase, string? message) = (null, null);
        while (TryNextMember(ref reader, out ReadOnlySpan<byte> name))
        {
            if (!(name.SequenceEqual("phase"u8) ? TryReadText(ref reader, ref phase)
                : name.SequenceEqual("message"u8) && TryReadText(ref reader, ref message)))
            {
                return null;
            }
        }

        return phase is null ? null : new StatusEvent { Phase = phase, Message = message };
    }

    private static MetricEvent? ReadMetric(ReadOnlySpan<byte> frame, ref Utf8JsonReader reader)
    {
        (string? metric, decimal? value, string? unit) = (null, null, null);
        while (TryNextMember(ref reader, out ReadOnlySpan<byte> name))
        {
            if (!(name.SequenceEqual("name"u8) ? TryReadText(ref reader, ref metric)
                : name.SequenceEqual("value"u8) ? TryReadNumber(ref reader, ref value)
                : name.SequenceEqual("unit"u8) && TryReadText(ref reader, ref unit)))
            {
                return null;
            }
        }

        return metric is null || value is null ? null : new MetricEvent { Name = metric, Value = value.Value, Unit = unit };
    }
}
