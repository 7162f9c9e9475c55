using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Arcp.Core.Ids;
using Arcp.Core.Messages;

namespace Arcp.Core.Serialization;

/// <summary>Reads frames (§5): header members in any order, the payload decoded once, straight from the buffer.</summary>
/// <remarks>Thread-safe. Whatever the bytes are, the outcome is a value and never an exception.</remarks>
public static class FrameReader
{
    private const int LongestTypeKept = 128;

    // Depth is counted by Skip: a frame that is too deep is still read to its end, because the id of the request may stand there.
    private static readonly JsonReaderOptions Options = new() { MaxDepth = int.MaxValue };

    [Flags]
    private enum Member
    {
        None = 0,
        Arcp = 1,
        Id = 2,
        Type = 4,
        SessionId = 8,
        JobId = 16,
        TraceId = 32,
        EventSeq = 64,
        RequestId = 128,
        ReplyTo = 256,
        Payload = 512,
    }

    /// <summary>Reads one frame.</summary>
    /// <param name="frame">The frame's UTF-8 bytes; nothing of them is kept.</param>
    /// <param name="receiver">Who reads: a frame that only this side may send is refused.</param>
    /// <param name="envelope">The frame, when it could be read.</param>
    /// <param name="error">Why not, when it could not.</param>
    /// <returns>Whether the frame could be read.</returns>
    public static bool TryRead(
        ReadOnlySpan<byte> frame,
        Peer receiver,
        [NotNullWhen(true)] out Envelope? envelope,
        [NotNullWhen(false)] out FrameError? error) => TryRead(frame, receiver, repeated: null, out envelope, out error);

    /// <summary>Reads one of the many frames of a connection.</summary>
    /// <param name="frame">The frame's UTF-8 bytes; nothing of them is kept.</param>
    /// <param name="receiver">Who reads: a frame that only this side may send is refused.</param>
    /// <param name="repeated">What the connection's last frame had in its header; taken from there when this one has the same. Null = nothing is.</param>
    /// <param name="envelope">The frame, when it could be read.</param>
    /// <param name="error">Why not, when it could not.</param>
    /// <returns>Whether the frame could be read.</returns>
    public static bool TryRead(
        ReadOnlySpan<byte> frame,
        Peer receiver,
        RepeatedHeader? repeated,
        [NotNullWhen(true)] out Envelope? envelope,
        [NotNullWhen(false)] out FrameError? error)
    {
        var state = new Parsed { Receiver = receiver, Repeated = repeated };
        envelope = null;
        error = ReadHeader(frame, ref state) ?? ReadPayload(frame, ref state, out envelope);
        return error is null;
    }

    private static FrameError? ReadHeader(ReadOnlySpan<byte> frame, ref Parsed state)
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

    private static FrameError? ReadMember(ReadOnlySpan<byte> frame, ref Utf8JsonReader reader, ref Parsed state, bool isValid)
    {
        Member member = Identify(ref reader);
        bool isRepeated = member is not Member.None && (state.Seen & member) != 0;
        state.Seen |= member;
        reader.Read();
        FrameError? problem = null;
        if (isRepeated)
        {
            problem = state.Malformed(member, "may be given only once");
        }
        else if (member is Member.Payload)
        {
            state.PayloadStart = (int)reader.TokenStartIndex;
            state.PayloadToken = reader.TokenType;
            if (isValid && state.Entry == MessageCatalog.JobEvent)
            {
                state.Message = PlainEventReader.TryRead(frame, ref reader);
            }

            Skip(ref reader, ref state);
            state.PayloadEnd = (int)reader.BytesConsumed;
        }
        else if (member is not Member.None && reader.TokenType is not JsonTokenType.Null)
        {
            problem = member is Member.EventSeq ? ReadEventSeq(ref reader, ref state) : ReadText(ref reader, member, ref state);
        }

        Skip(ref reader, ref state);
        return problem;
    }

    private static Member Identify(ref Utf8JsonReader reader)
    {
        if (!reader.ValueIsEscaped)
        {
            return Identify(reader.ValueSpan);
        }

        return JsonTokens.TryGetString(ref reader, out string? name) ? Identify(Encoding.UTF8.GetBytes(name)) : Member.None;
    }

    private static Member Identify(ReadOnlySpan<byte> name) => name.Length switch
    {
        2 when name.SequenceEqual("id"u8) => Member.Id,
        4 when name.SequenceEqual("type"u8) => Member.Type,
        4 when name.SequenceEqual("arcp"u8) => Member.Arcp,
        6 when name.SequenceEqual("job_id"u8) => Member.JobId,
        7 when name.SequenceEqual("payload"u8) => Member.Payload,
        8 when name.SequenceEqual("trace_id"u8) => Member.TraceId,
        8 when name.SequenceEqual("reply_to"u8) => Member.ReplyTo,
        9 when name.SequenceEqual("event_seq"u8) => Member.EventSeq,
        10 when name.SequenceEqual("session_id"u8) => Member.SessionId,
        10 when name.SequenceEqual("request_id"u8) => Member.RequestId,
        _ => Member.None,
    };

    private static FrameError? ReadEventSeq(ref Utf8JsonReader reader, ref Parsed state)
    {
        if (JsonTokens.TryGetInteger(ref reader, out long value))
        {
            state.EventSeq = value;
            return null;
        }

        return state.Malformed(Member.EventSeq, "must be an integer");
    }

    private static FrameError? ReadText(ref Utf8JsonReader reader, Member member, ref Parsed state)
    {
        if (reader.TokenType is not JsonTokenType.String)
        {
            return state.Malformed(member, "must be a string");
        }

        if (member is Member.Type && !reader.ValueIsEscaped && MessageCatalog.Find(reader.ValueSpan) is { } entry)
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
            return member is Member.TraceId ? null : state.Malformed(member, "must be Unicode text");
        }

        switch (member)
        {
            case Member.Type:
                state.Entry = MessageCatalog.Find(text);
                state.Type = text.Length <= LongestTypeKept ? text : text[..LongestTypeKept];
                return null;
            case Member.Arcp:
                return IsSupportedVersion(text)
                    ? null
                    : state.Error(FrameErrorKind.UnsupportedVersion, "This protocol version is not supported; accepted are 1 and 1.x.");
            case Member.TraceId:
                _ = TraceContext.TryParse(text, out state.Trace);
                return null;
            case var _ when !ArcpId.IsValid(text):
                return state.Malformed(member, $"must have 1 to {ArcpId.MaxLength} characters");
            case Member.Id:
                state.Id = new MessageId(text);
                return null;
            case Member.SessionId:
                state.SessionId = new SessionId(text);
                return null;
            case Member.JobId:
                state.JobId = new JobId(text);
                return null;
            case Member.RequestId:
                state.RequestId = new MessageId(text);
                return null;
            default:
                state.RequestId ??= new MessageId(text);
                return null;
        }
    }

    // What one frame has in common with the next needs no new objects.
    private static bool IsRepeated(ReadOnlySpan<byte> text, Member member, ref Parsed state)
    {
        switch (member)
        {
            case Member.Arcp:
                return text.SequenceEqual("1.1"u8);
            case Member.SessionId when state.Repeated?.SessionId is { } known && Ascii.Equals(text, known.Value):
                state.SessionId = known;
                return true;
            case Member.JobId when state.Repeated?.JobId is { } known && Ascii.Equals(text, known.Value):
                state.JobId = known;
                return true;
            case Member.TraceId when state.Repeated?.Trace is { } known && Ascii.Equals(text, known.Value):
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
    private static void Skip(ref Utf8JsonReader reader, ref Parsed state)
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

    private static FrameError? ReadPayload(ReadOnlySpan<byte> frame, ref Parsed state, out Envelope? envelope)
    {
        envelope = null;
        if (string.IsNullOrEmpty(state.Type))
        {
            return state.Malformed(Member.Type, "is required and must be a non-empty string");
        }

        if (state.Entry is not { } entry)
        {
            return state.Error(FrameErrorKind.UnknownType, "The protocol does not define this type.");
        }

        if (entry.Sender is { } sender && sender == state.Receiver)
        {
            return state.Error(FrameErrorKind.WrongDirection, $"'{entry.Name}' is sent by the {(sender is Peer.Runtime ? "runtime" : "client")} only.");
        }

        FrameHeader header = state.Header;
        state.Repeated?.Take(header);
        if (state.Message is { } message)
        {
            envelope = new Envelope(header, message);
            return null;
        }

        ReadOnlySpan<byte> payload = state.PayloadToken is JsonTokenType.None or JsonTokenType.Null
            ? "{}"u8
            : frame[state.PayloadStart..state.PayloadEnd];
        if (payload[0] != (byte)'{')
        {
            return state.Error(FrameErrorKind.InvalidPayload, $"{entry.Name}: 'payload' must be an object.");
        }

        try
        {
            envelope = new Envelope(header, (ArcpMessage)JsonSerializer.Deserialize(payload, entry.Contract)!);
            return null;
        }
        catch (JsonException e)
        {
            return state.Error(FrameErrorKind.InvalidPayload, PayloadErrorText.Describe(entry, payload, e));
        }
    }

    private ref struct Parsed
    {
        public Peer Receiver;
        public RepeatedHeader? Repeated;
        public Member Seen;
        public MessageId? Id;
        public SessionId? SessionId;
        public JobId? JobId;
        public TraceContext? Trace;
        public long? EventSeq;
        public MessageId? RequestId;
        public string? Type;
        public MessageCatalog.Entry? Entry;
        public int PayloadStart;
        public int PayloadEnd;
        public JsonTokenType PayloadToken;
        public ArcpMessage? Message;
        public bool IsTooDeep;

        public readonly FrameHeader Header => new()
        {
            Id = Id,
            SessionId = SessionId,
            JobId = JobId,
            Trace = Trace,
            EventSeq = EventSeq,
            RequestId = RequestId,
        };

        public readonly FrameError Error(FrameErrorKind kind, string message) => new(kind, message, Type, Header);

        public readonly FrameError Malformed(Member member, string rule) =>
            Error(FrameErrorKind.Malformed, $"'{JsonNamingPolicy.SnakeCaseLower.ConvertName(member.ToString())}' {rule}.");

        /// <summary>The same error with all of the header that has been read since.</summary>
        public readonly FrameError Again(FrameError error) => error with { Type = Type, Header = Header };
    }
}
