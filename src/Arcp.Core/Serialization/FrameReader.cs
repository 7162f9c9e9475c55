using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Unicode;
using Arcp.Core.Ids;
using Arcp.Core.Messages;

namespace Arcp.Core.Serialization;

/// <summary>Reads frames (§5): header members in any order, the payload decoded once, straight from the buffer.</summary>
/// <remarks>Stateless and thread-safe. Whatever the bytes are, the outcome is a value and never an exception.</remarks>
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

    private static readonly (byte[] Name, Member Member)[] Members =
    [
        ("payload"u8.ToArray(), Member.Payload),
        ("type"u8.ToArray(), Member.Type),
        ("id"u8.ToArray(), Member.Id),
        ("arcp"u8.ToArray(), Member.Arcp),
        ("session_id"u8.ToArray(), Member.SessionId),
        ("job_id"u8.ToArray(), Member.JobId),
        ("trace_id"u8.ToArray(), Member.TraceId),
        ("event_seq"u8.ToArray(), Member.EventSeq),
        ("request_id"u8.ToArray(), Member.RequestId),
        ("reply_to"u8.ToArray(), Member.ReplyTo),
    ];

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
        [NotNullWhen(false)] out FrameError? error)
    {
        var state = new Parsed();
        envelope = null;
        error = ReadHeader(frame, ref state) ?? ReadPayload(frame, receiver, ref state, out envelope);
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
                FrameError? found = ReadMember(ref reader, ref state);
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

    private static FrameError? ReadMember(ref Utf8JsonReader reader, ref Parsed state)
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
        foreach ((byte[] name, Member member) in Members)
        {
            if (JsonTokens.TextEquals(ref reader, name))
            {
                return member;
            }
        }

        return Member.None;
    }

    private static FrameError? ReadEventSeq(ref Utf8JsonReader reader, ref Parsed state)
    {
        if (JsonTokens.TryGetInteger(ref reader, out long value))
        {
            state.Header = state.Header with { EventSeq = value };
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

        if (!JsonTokens.TryGetString(ref reader, out string? text))
        {
            return member is Member.TraceId ? null : state.Malformed(member, "must be Unicode text");
        }

        if (member is Member.Type)
        {
            state.Entry = MessageCatalog.Find(text);
            state.Type = text.Length <= LongestTypeKept ? text : text[..LongestTypeKept];
            return null;
        }

        if (member is Member.Arcp)
        {
            return IsSupportedVersion(text)
                ? null
                : state.Error(FrameErrorKind.UnsupportedVersion, "This protocol version is not supported; accepted are 1 and 1.x.");
        }

        if (member is Member.TraceId)
        {
            _ = TraceContext.TryParse(text, out TraceContext? trace);
            state.Header = state.Header with { Trace = trace };
            return null;
        }

        if (!ArcpId.IsValid(text))
        {
            return state.Malformed(member, $"must have 1 to {ArcpId.MaxLength} characters");
        }

        state.Header = member switch
        {
            Member.Id => state.Header with { Id = new MessageId(text) },
            Member.SessionId => state.Header with { SessionId = new SessionId(text) },
            Member.JobId => state.Header with { JobId = new JobId(text) },
            Member.RequestId => state.Header with { RequestId = new MessageId(text) },
            _ => state.Header with { RequestId = state.Header.RequestId ?? new MessageId(text) },
        };
        return null;
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

    private static FrameError? ReadPayload(ReadOnlySpan<byte> frame, Peer receiver, ref Parsed state, out Envelope? envelope)
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

        if (entry.Sender is { } sender && sender == receiver)
        {
            return state.Error(FrameErrorKind.WrongDirection, $"'{entry.Name}' is sent by the {(sender is Peer.Runtime ? "runtime" : "client")} only.");
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
            envelope = new Envelope(state.Header, (ArcpMessage)JsonSerializer.Deserialize(payload, entry.Contract)!);
            return null;
        }
        catch (JsonException e)
        {
            return state.Error(FrameErrorKind.InvalidPayload, PayloadErrorText.Describe(entry, payload, e));
        }
    }

    private ref struct Parsed
    {
        public Member Seen;
        public FrameHeader Header;
        public string? Type;
        public MessageCatalog.Entry? Entry;
        public int PayloadStart;
        public int PayloadEnd;
        public JsonTokenType PayloadToken;
        public bool IsTooDeep;

        public readonly FrameError Error(FrameErrorKind kind, string message) => new(kind, message, Type, Header);

        public readonly FrameError Malformed(Member member, string rule) =>
            Error(FrameErrorKind.Malformed, $"'{JsonNamingPolicy.SnakeCaseLower.ConvertName(member.ToString())}' {rule}.");

        /// <summary>The same error with all of the header that has been read since.</summary>
        public readonly FrameError Again(FrameError error) => error with { Type = Type, Header = Header };
    }
}
