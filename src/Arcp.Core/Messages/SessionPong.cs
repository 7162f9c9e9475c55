namespace Arcp.Core.Messages;

/// <summary><c>session.pong</c> (both ways, §6.4): answers a ping.</summary>
public sealed record SessionPong : ArcpMessage
{
    /// <summary>The ping's nonce, when it had one.</summary>
    public string? PingNonce { get; init; }

    /// <summary>When the ping arrived.</summary>
    public DateTimeOffset? ReceivedAt { get; init; }
}
