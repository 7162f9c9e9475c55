namespace Arcp.Runtime.Sessions;

/// <summary>A frame without a number, ready to be sent.</summary>
/// <param name="Bytes">The whole frame.</param>
/// <param name="OutlivesConnection">Whether it is still sent on the next connection when this one ends first: the answers to submits are.</param>
internal readonly record struct ControlFrame(ReadOnlyMemory<byte> Bytes, bool OutlivesConnection)
{
    /// <summary>The highest number sent before it; null = it was not sent yet. A client that has a higher number has this frame too.</summary>
    public long? SentBehind { get; init; }
}
