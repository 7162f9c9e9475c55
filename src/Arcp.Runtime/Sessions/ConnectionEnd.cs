namespace Arcp.Runtime.Sessions;

/// <summary>How the runtime ends a connection.</summary>
/// <param name="Reason">Why, for the log.</param>
/// <param name="LastFrame">The last frame; null = none.</param>
internal sealed record ConnectionEnd(string Reason, ReadOnlyMemory<byte>? LastFrame = null)
{
    /// <summary>Whether the events that there are now are sent before.</summary>
    public bool Drain { get; init; }

    /// <summary>Whether the peer, too, has a side to close: it gets time to read the last frame and do so.</summary>
    public bool AwaitPeer { get; init; } = true;

    /// <summary>How long all that may take before the connection is cut.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The end of a connection whose peer does not seem to be there any more: it is told, but hardly waited for.</summary>
    public static ConnectionEnd OfAbsentPeer(string reason, ReadOnlyMemory<byte> lastFrame) =>
        new(reason, lastFrame) { Patience = TimeSpan.FromMilliseconds(250) };
}
