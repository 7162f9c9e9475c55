namespace Arcp.Core.Messages;

/// <summary><c>session.welcome</c> (runtime to client, §6.2): the session is open, or goes on.</summary>
public sealed record SessionWelcome : ArcpMessage
{
    /// <summary>Who the runtime is.</summary>
    public RuntimeInfo? Runtime { get; init; }

    /// <summary>The flat form of <see cref="RuntimeInfo.Name"/> that some runtimes send.</summary>
    public string? RuntimeName { get; init; }

    /// <summary>The flat form of <see cref="RuntimeInfo.Version"/> that some runtimes send.</summary>
    public string? RuntimeVersion { get; init; }

    /// <summary>Resumes the session once. A secret.</summary>
    public string? ResumeToken { get; init; }

    /// <summary>How many seconds after a disconnect the session can be resumed.</summary>
    public double? ResumeWindowSec { get; init; }

    /// <summary>The heartbeat interval in seconds; only when <c>heartbeat</c> is negotiated.</summary>
    public double? HeartbeatIntervalSec { get; init; }

    /// <summary>What is negotiated and offered.</summary>
    public RuntimeCapabilities? Capabilities { get; init; }

    /// <summary>Leaves out the resume token.</summary>
    public override string ToString() => $"SessionWelcome {{ Runtime = {Runtime?.Name ?? RuntimeName}, Capabilities = {Capabilities} }}";
}

/// <summary>Names a runtime.</summary>
public sealed record RuntimeInfo
{
    /// <summary>The runtime's name.</summary>
    public string? Name { get; init; }

    /// <summary>The runtime's version.</summary>
    public string? Version { get; init; }
}

/// <summary>What a runtime offers to a session.</summary>
public sealed record RuntimeCapabilities
{
    /// <summary>Encodings; only <c>json</c> exists.</summary>
    public IReadOnlyList<string>? Encodings { get; init; }

    /// <summary>The features that hold for this session (§6.2).</summary>
    public IReadOnlyList<string>? Features { get; init; }

    /// <summary>The agents that can be asked.</summary>
    public IReadOnlyList<AgentInfo>? Agents
    {
        get;
        init => field = Absent.IfNull(value);
    }
}

/// <summary>An agent that a runtime offers (§7.5). Decoded from a plain string too.</summary>
public sealed record AgentInfo
{
    /// <summary>The name.</summary>
    public required string Name { get; init; }

    /// <summary>The versions, in ascending order.</summary>
    public IReadOnlyList<string>? Versions { get; init; }

    /// <summary>The version that a bare name means.</summary>
    public string? Default { get; init; }
}
