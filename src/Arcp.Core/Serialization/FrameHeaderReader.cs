using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Arcp.Core.Ids;

namespace Arcp.Core.Serialization;

/// <summary>Reads the members of a frame in any order, a frequent message's payload among them when it is plain.</summary>
internal static class FrameHeaderReader
{
    private const int LongestTypeKept = 128;

    // Depth is counted by Skip: a frame that is too deep is still read to its end, because the id of the request may stand there.
    private static readonly JsonReaderOptions Options = new() { MaxDepth = int.MaxValue };

    /// <summary>Reads the header, and passes the payload or takes it along.</summary>
    /// <returns>What is wrong with the frame as a whole; null = nothing.</returns>
    public static FrameError? Read(ReadOnlySpan<byte> frame, ref ParsedFrame state)
    {
        FrameError? problem = Utf8.IsValid(frame) ? null : state.Error(FrameErrorKind.Malformed, "The frame is not valid UTF-8.");
        var reader = new Utf8JsonReader(frame, Options);
        try
        {
            if (!reader.Read() || reader.TokenType is not JsonTokenType.StartObject)
            {
                problem ??= state.Error(FrameErrorKind.Malformed, "The frame is not a JSON object.");
                Skip(ref reader, ref state); // an array may be nested too deeply as well
            }

            while (reader.Read() && reader.TokenType is JsonTokenType.PropertyName)
            {
                // The first problem decides, but the id behind it is still wanted for the answer.
                FrameError? found = ReadMember(frame, ref reader, ref state, isValid: problem is null);
                problem ??= found;
            }

            reader.Read(); // throws when anything but white space follows
        }
        catch (JsonException)
        {
            problem ??= state.Error(FrameErrorKind.Malformed, "The frame is not valid JSON.");
        }

        if (state.IsTooDeep)
        {
            // Before all other problems: this one ends the connection.
            return state.Error(FrameErrorKind.TooDeep, $"The frame is nested too deeply; accepted are {WireJson.MaxDepth} levels.");
        }

        return problem is null ? null : state.Again(problem);
    }

    private static FrameError? ReadMember(ReadOnlySpan<byte> frame, ref Utf8JsonReader reader, ref ParsedFrame state, bool isValid)
    {
        FrameMember member = Identify(ref reader);
        bool isRepeated = member is not FrameMember.None && (state.Seen & member) != 0;
        state.Seen |= member;
        reader.Read();
        FrameError? problem = null;
        if (isRepeated)
        {
            problem = state.Malformed(member, "may be given only once");
        }
        else if (member is FrameMember.Payload)
        {
            state.PayloadStart = (int)reader.TokenStartIndex;
            state.PayloadToken = reader.TokenType;
            if (isValid && state.Entry is { } entry)
            {
                state.Message = entry == MessageCatalog.JobEvent
                    ? PlainEventReader.TryRead(frame, ref reader)
                    : PlainRequestReader.TryRead(entry, frame, ref reader);
            }

            Skip(ref reader, ref state);
            state.PayloadEnd = (int)reader.BytesConsumed;
        }
        else if (member is not FrameMember.None && reader.TokenType is not JsonTokenType.Null)
        {
            problem = member is FrameMember.EventSeq ? ReadEventSeq(ref reader, ref state) : ReadText(ref reader, member, ref state);
        }

        Skip(ref reader, ref state);
        return problem;
    }

    private static FrameMember Identify(ref Utf8JsonReader reader)
    {
        if (!reader.ValueIsEscaped)
        {
            return Identify(reader.ValueSpan);
        }

        return JsonTokens.TryGetString(ref reader, out string? name) ? Identify(Encoding.UTF8.GetBytes(name)) : FrameMember.None;
    }

    private static FrameMember Identify(ReadOnlySpan<byte> name) => name.Length switch
    {
        2 when name.SequenceEqual("id"u8) => FrameMember.Id,
        4 when name.SequenceEqual("type"u8) => FrameMember.Type,
        4 when name.SequenceEqual("arcp"u8) => FrameMember.Arcp,
        6 when name.SequenceEqual("job_id"u8) => FrameMember.JobId,
        7 when name.SequenceEqual("payload"u8) => FrameMember.Payload,
        8 when name.SequenceEqual("trace_id"u8) => FrameMember.TraceId,
        8 when name.SequenceEqual("reply_to"u8) => FrameMember.ReplyTo,
        9 when name.SequenceEqual("event_seq"u8) => FrameMember.EventSeq,
        10 when name.SequenceEqual("session_id"u8) => FrameMember.SessionId,
        10 when name.SequenceEqual("request_id"u8) => FrameMember.RequestId,
        _ => FrameMember.None,
    };

    private static FrameError? ReadEventSeq(ref Utf8JsonReader reader, ref ParsedFrame state)
    {
        if (JsonTokens.TryGetInteger(ref reader, out long value))
        {
            state.EventSeq = value;
            state.EventSeqText = (int)reader.TokenStartIndex..(int)reader.BytesConsumed;
            return null;
        }

        return state.Malformed(FrameMember.EventSeq, "must be an integer");
    }

    private static FrameError? ReadText(ref Utf8JsonReader reader, FrameMember member, ref ParsedFrame state)
    {
        if (reader.TokenType is not JsonTokenType.String)
        {
            return state.Malformed(member, "must be a string");
        }

        if (member is FrameMember.Type && !reader.ValueIsEscaped && MessageCatalog.Find(reader.ValueSpan) is { } entry)
        {
            state.Entry = entry;
            state.Type = entry.Name;
            return null;
        }

        if (!reader.ValueIsEscaped && IsRepeated(reader.ValueSpan, member, ref state))
        {
            return null;
        }

        if (!JsonTokens.TryGetString(ref reader, out string? text))
        {
            return member is FrameMember.TraceId ? null : state.Malformed(member, "must be Unicode text");
        }

        switch (member)
        {
            case FrameMember.Type:
                state.Entry = MessageCatalog.Find(text);
                state.Type = text.Length <= LongestTypeKept ? text : text[..LongestTypeKept];
                return null;
            case FrameMember.Arcp:
                return IsSupportedVersion(text)
                    ? null
                    : state.Error(FrameErrorKind.UnsupportedVersion, "This protocol version is not supported; accepted are 1 and 1.x.");
            case FrameMember.TraceId:
                _ = TraceContext.TryParse(text, out state.Trace);
                return null;
            case var _ when !ArcpId.IsValid(text):
                return state.Malformed(member, $"must have 1 to {ArcpId.MaxLength} characters");
            case FrameMember.Id:
                state.Id = new MessageId(text);
                state.IdText = ((int)reader.TokenStartIndex + 1)..((int)reader.BytesConsumed - 1);
                return null;
            case FrameMember.SessionId:
                state.SessionId = new SessionId(text);
                return null;
            case FrameMember.JobId:
                state.JobId = new JobId(text);
                return null;
            case FrameMember.RequestId:
                state.RequestId = new MessageId(text);
                return null;
            default:
                state.RequestId ??= new MessageId(text);
                return null;
        }
    }

    // What one frame has in common with the next needs no new objects.
    private static bool IsRepeated(ReadOnlySpan<byte> text, FrameMember member, ref ParsedFrame state)
    {
        switch (member)
        {
            case FrameMember.Arcp:
                return text.SequenceEqual("1.1"u8);
            case FrameMember.SessionId when state.Repeated?.Last.SessionId is { } known && Ascii.Equals(text, known.Value):
                state.SessionId = known;
                return true;
            case FrameMember.JobId when state.Repeated?.Last.JobId is { } known && Ascii.Equals(text, known.Value):
                state.JobId = known;
                return true;
            case FrameMember.TraceId when state.Repeated?.Last.Trace is { } known && Ascii.Equals(text, known.Value):
                state.Trace = known;
                return true;
            default:
                return false;
        }
    }

    // Major number 1 with any minor: "1", "1.1", "1.2.0", "1.2-draft".
    private static bool IsSupportedVersion(string text) =>
        text == "1" || (text.StartsWith("1.", StringComparison.Ordinal) && text.Length > 2 && char.IsAsciiDigit(text[2]));

    // Goes to the end of an object or array and notes when it is nested too deeply.
    private static void Skip(ref Utf8JsonReader reader, ref ParsedFrame state)
    {
        if (reader.TokenType is not (JsonTokenType.StartObject or JsonTokenType.StartArray))
        {
            return;
        }

        int depth = reader.CurrentDepth;
        while (reader.Read() && reader.CurrentDepth > depth)
        {
            state.IsTooDeep |= reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray && reader.CurrentDepth >= WireJson.MaxDepth;
        }
    }
}
