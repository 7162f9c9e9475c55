namespace Arcp.Runtime.Authentication;

/// <summary>What the host knows of a connection before its first frame.</summary>
public sealed record ConnectionContext
{
    /// <summary>A connection of which nothing is known.</summary>
    public static ConnectionContext Unknown { get; } = new();

    /// <summary>The principal, when the host has authenticated the connection itself; what the client then presents in its hello is not looked at.</summary>
    public Principal? Principal { get; init; }

    /// <summary>Where the connection comes from, for the log.</summary>
    public string? RemoteAddress { get; init; }

    /// <summary>Facts for the host's own authenticator, such as an HTTP context's items.</summary>
    public IReadOnlyDictionary<string, object?>? Properties { get; init; }
}
