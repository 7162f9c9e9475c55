using System.Text.Json;
using Arcp.Core.Ids;
using Arcp.Core.Messages;

namespace Arcp.Core.Serialization;

/// <summary>What has been read of a frame.</summary>
internal ref struct ParsedFrame
{
    public Peer Receiver;
    public RepeatedHeader? Repeated;
    public FrameMember Seen;
    public MessageId? Id;
    public SessionId? SessionId;
    public JobId? JobId;
    public TraceContext? Trace;
    public long? EventSeq;
    public MessageId? RequestId;
    public string? Type;
    public MessageCatalog.Entry? Entry;
    public Range EventSeqText;
    public Range IdText;
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

    public readonly FrameError Malformed(FrameMember member, string rule) =>
        Error(FrameErrorKind.Malformed, $"'{JsonNamingPolicy.SnakeCaseLower.ConvertName(member.ToString())}' {rule}.");

    /// <summary>The same error with all of the header that has been read since.</summary>
    public readonly FrameError Again(FrameError error) => error with { Type = Type, Header = Header };
}

/// <summary>The members of a frame.</summary>
[Flags]
internal enum FrameMember
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
