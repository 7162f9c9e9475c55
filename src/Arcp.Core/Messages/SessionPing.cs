namespace Arcp.Core.Messages;

/// <summary><c>session.ping</c> (both ways, §6.4): asks for a sign of life.</summary>
public sealed record SessionPing : ArcpMessage
{
    /// <summary>Comes back in the pong.</summary>
    public string? Nonce { get; init; }

    /// <summary>When it was sent.</summary>
    public DateTimeOffset? SentAt { get; init; }
}
