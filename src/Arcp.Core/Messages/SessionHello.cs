namespace Arcp.Core.Messages;

/// <summary><c>session.hello</c> (client to runtime, §6.2): opens a session, or asks to resume one.</summary>
public sealed record SessionHello : ArcpMessage
{
    /// <summary>Who the client program is.</summary>
    public ClientInfo? Client { get; init; }

    /// <summary>The flat form of <see cref="ClientInfo.Name"/> that some clients send.</summary>
    public string? ClientName { get; init; }

    /// <summary>The flat form of <see cref="ClientInfo.Version"/> that some clients send.</summary>
    public string? ClientVersion { get; init; }

    /// <summary>The proof of who is asking (§6.1).</summary>
    public SessionAuth? Auth { get; init; }

    /// <summary>What the client can do; absent = no features.</summary>
    public ClientCapabilities? Capabilities { get; init; }

    /// <summary>Resume data as a block.</summary>
    public ResumeRequest? Resume { get; init; }

    /// <summary>Resume token in the flat form. A secret.</summary>
    public string? ResumeToken { get; init; }

    /// <summary>The highest <c>event_seq</c> seen, in the flat form.</summary>
    public long? LastEventSeq { get; init; }

    /// <summary>Leaves out the secrets.</summary>
    public override string ToString() => $"SessionHello {{ Client = {Client?.Name ?? ClientName}, Auth = {Auth}, Resumes = {ResumeToken is not null || Resume is not null} }}";
}

/// <summary>Names a program.</summary>
public sealed record ClientInfo
{
    /// <summary>The program's name.</summary>
    public string? Name { get; init; }

    /// <summary>The program's version.</summary>
    public string? Version { get; init; }
}

/// <summary>What a client proves its identity with (§6.1).</summary>
public sealed record SessionAuth
{
    /// <summary><c>bearer</c>, or <c>anonymous</c> (also <c>none</c>) where the host allows it.</summary>
    public string? Scheme { get; init; }

    /// <summary>The bearer token. A secret.</summary>
    public string? Token { get; init; }

    /// <summary>Leaves out the token.</summary>
    public override string ToString() => $"SessionAuth {{ Scheme = {Scheme}, Token = *** }}";
}

/// <summary>What a client says it can do.</summary>
public sealed record ClientCapabilities
{
    /// <summary>Encodings; only <c>json</c> exists.</summary>
    public IReadOnlyList<string>? Encodings { get; init; }

    /// <summary>Feature names (§6.2); unknown ones are ignored.</summary>
    public IReadOnlyList<string>? Features { get; init; }
}

/// <summary>The data that resumes a session from within a hello (§6.3).</summary>
public sealed record ResumeRequest
{
    /// <summary>The session to resume; the token alone decides.</summary>
    public string? SessionId { get; init; }

    /// <summary>The token of the last welcome. A secret.</summary>
    public string? ResumeToken { get; init; }

    /// <summary>Another name for <see cref="ResumeToken"/> that some clients send. A secret.</summary>
    public string? Token { get; init; }

    /// <summary>The highest <c>event_seq</c> seen; absent or negative = 0.</summary>
    public long? LastEventSeq { get; init; }

    /// <summary>Leaves out the token.</summary>
    public override string ToString() => $"ResumeRequest {{ SessionId = {SessionId}, LastEventSeq = {LastEventSeq} }}";
}
