namespace Arcp.Core.Messages;

/// <summary><c>session.close</c> (client to runtime, §6.7): ends the connection; jobs run on and the session stays resumable.</summary>
public sealed record SessionClose : ArcpMessage
{
    /// <summary>Why, for the log.</summary>
    public string? Reason { get; init; }
}
