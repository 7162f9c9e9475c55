using Arcp.Core.Ids;
using Arcp.Core.Messages;

namespace Arcp.Core.Serialization;

/// <summary>One frame: its header and the message it carries (§5).</summary>
/// <param name="Header">The members beside the payload.</param>
/// <param name="Message">The payload.</param>
public sealed record Envelope(FrameHeader Header, ArcpMessage Message)
{
    /// <summary>Wraps a message into a frame without a header of its own.</summary>
    /// <param name="message">The message.</param>
    public Envelope(ArcpMessage message)
        : this(default, message)
    {
    }
}

/// <summary>The members of a frame beside its payload (§5). The type follows from the message.</summary>
public readonly record struct FrameHeader
{
    /// <summary>The message's id; absent in frames of some peers.</summary>
    public MessageId? Id { get; init; }

    /// <summary>The session.</summary>
    public SessionId? SessionId { get; init; }

    /// <summary>The job.</summary>
    public JobId? JobId { get; init; }

    /// <summary>The trace; one that cannot be parsed counts as absent.</summary>
    public TraceContext? Trace { get; init; }

    /// <summary>The frame's place in the session's sequence (§8.3).</summary>
    public long? EventSeq { get; init; }

    /// <summary>The id of the request that the frame answers; read from <c>request_id</c> or <c>reply_to</c>.</summary>
    public MessageId? RequestId { get; init; }
}
