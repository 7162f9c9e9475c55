namespace Arcp.Core.Messages;

/// <summary><c>session.ack</c> (client to runtime, §6.5): all frames up to a number have been processed.</summary>
public sealed record SessionAck : ArcpMessage
{
    /// <summary>The highest <c>event_seq</c> without a gap before it.</summary>
    public required long LastProcessedSeq { get; init; }
}
