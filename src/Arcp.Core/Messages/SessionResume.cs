namespace Arcp.Core.Messages;

/// <summary><c>session.resume</c> (client to runtime, §6.3): continues a session on a new connection.</summary>
public sealed record SessionResume : ArcpMessage
{
    /// <summary>The token of the last welcome. A secret.</summary>
    public required string ResumeToken { get; init; }

    /// <summary>The highest <c>event_seq</c> seen; absent or negative = 0.</summary>
    public long? LastEventSeq { get; init; }

    /// <summary>When given, must prove the session's principal too.</summary>
    public SessionAuth? Auth { get; init; }

    /// <summary>Leaves out the secrets.</summary>
    public override string ToString() => $"SessionResume {{ LastEventSeq = {LastEventSeq}, Auth = {Auth} }}";
}
