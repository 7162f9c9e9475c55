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
    private static readonly JsonReaderOptions Options = new() { MaxDepth = WireJson.MaxDepth + 1 };

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
        [NotNullWhen(false)] out FrameError? error)
    {
        var state = new Parsed();
        envelope = null;
        error = ReadHeader(frame, ref state) ?? ReadPayload(frame, receiver, ref state, out envelope);
        return error is null;
    }

    private static FrameError? ReadHeader(ReadOnlySpan<byte> frame, ref Parsed state)
    {
        if (!Utf8.IsValid(frame))
        {
            return state.Error(FrameErrorKind.Malformed, "The frame is not valid UTF-8.");
        }

        var reader = new Utf8JsonReader(frame, Options);
        try
        {
            if (!reader.Read() || reader.TokenType is not JsonTokenType.StartObject)
            {
                return state.Error(FrameErrorKind.Malformed, "The frame is not a JSON object.");
            }

            FrameError? problem = null;
            while (reader.Read() && reader.TokenType is JsonTokenType.PropertyName)
            {
                // The first problem decides, but the id behind it is still wanted for the answer.
                problem = ReadMember(ref reader, ref state) is { } found ? problem ?? found : problem;
                if (problem?.Kind is FrameErrorKind.TooDeep)
                {
                    return state.Again(problem);
                }
            }

            reader.Read(); // throws when anything but white space follows
            return problem is null ? null : state.Again(problem);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return state.Error(FrameErrorKind.Malformed, "The frame is not valid JSON.");
        }
    }

    private static FrameError? ReadMember(ref Utf8JsonReader reader, ref Parsed state)
    {
        Member member = Identify(ref reader);
        if (member is not Member.None && (state.Seen & member) != 0)
        {
            reader.Read();
            return Skip(ref reader, ref state) ?? state.Malformed(member, "may be given only once");
        }

        state.Seen |= member;
        reader.Read();
        if (member is Member.Payload)
        {
            state.PayloadStart = (int)reader.TokenStartIndex;
            state.PayloadToken = reader.TokenType;
            FrameError? tooDeep = Skip(ref reader, ref state);
            state.PayloadEnd = (int)reader.BytesConsumed;
            return tooDeep;
        }

        if (member is Member.None || reader.TokenType is JsonTokenType.Null)
        {
            return Skip(ref reader, ref state);
        }

        FrameError? problem = member is Member.EventSeq
            ? ReadEventSeq(ref reader, ref state)
            : ReadText(ref reader, member, ref state);
        return Skip(ref reader, ref state) ?? problem;
    }

    private static Member Identify(ref Utf8JsonReader reader) => reader switch
    {
        _ when reader.ValueTextEquals("payload"u8) => Member.Payload,
        _ when reader.ValueTextEquals("type"u8) => Member.Type,
        _ when reader.ValueTextEquals("id"u8) => Member.Id,
        _ when reader.ValueTextEquals("arcp"u8) => Member.Arcp,
        _ when reader.ValueTextEquals("session_id"u8) => Member.SessionId,
        _ when reader.ValueTextEquals("job_id"u8) => Member.JobId,
        _ when reader.ValueTextEquals("trace_id"u8) => Member.TraceId,
        _ when reader.ValueTextEquals("event_seq"u8) => Member.EventSeq,
        _ when reader.ValueTextEquals("request_id"u8) => Member.RequestId,
        _ when reader.ValueTextEquals("reply_to"u8) => Member.ReplyTo,
        _ => Member.None,
    };

    private static FrameError? ReadEventSeq(ref Utf8JsonReader reader, ref Parsed state)
    {
        if (reader.TokenType is JsonTokenType.Number && reader.TryGetInt64(out long value))
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

        if (member is Member.Type)
        {
            state.Entry = reader.ValueIsEscaped ? MessageCatalog.Find(reader.GetString()) : MessageCatalog.Find(reader.ValueSpan);
            state.Type = state.Entry?.Name ?? reader.GetString();
            return null;
        }

        string text = reader.GetString()!;
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
            _ => state.Header with { RequestId = state.Header.RequestId ?? new MessageId(text) },
        };
        return null;
    }

    // "1" or "1." and digits.
    private static bool IsSupportedVersion(string text) =>
        text == "1" || (text.Length > 2 && text.StartsWith("1.", StringComparison.Ordinal) && text.AsSpan(2).IndexOfAnyExceptInRange('0', '9') < 0);

    private static FrameError? Skip(ref Utf8JsonReader reader, ref Parsed state)
    {
        if (reader.TokenType is not (JsonTokenType.StartObject or JsonTokenType.StartArray))
        {
            return null;
        }

        int depth = reader.CurrentDepth;
        while (reader.Read() && reader.CurrentDepth > depth)
        {
            if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray && reader.CurrentDepth >= WireJson.MaxDepth)
            {
                return state.Error(FrameErrorKind.TooDeep, $"The frame is nested too deeply; accepted are {WireJson.MaxDepth} levels.");
            }
        }

        return null;
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

        public readonly FrameError Error(FrameErrorKind kind, string message) => new(kind, message, Type, Header);

        public readonly FrameError Malformed(Member member, string rule) =>
            Error(FrameErrorKind.Malformed, $"'{JsonNamingPolicy.SnakeCaseLower.ConvertName(member.ToString())}' {rule}.");

        /// <summary>The same error with all of the header that has been read since.</summary>
        public readonly FrameError Again(FrameError error) => error with { Type = Type, Header = Header };
    }
}
