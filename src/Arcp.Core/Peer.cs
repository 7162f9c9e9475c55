namespace Arcp.Core;

/// <summary>The two sides of a connection.</summary>
public enum Peer
{
    /// <summary>Submits jobs and watches them.</summary>
    Client,

    /// <summary>Runs jobs.</summary>
    Runtime,
}
