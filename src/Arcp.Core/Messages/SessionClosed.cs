namespace Arcp.Core.Messages;

/// <summary><c>session.closed</c> (runtime to client, §6.7): the last frame of a connection that ends in order.</summary>
public sealed record SessionClosed : ArcpMessage
{
    /// <summary>Why.</summary>
    public string? Reason { get; init; }
}
