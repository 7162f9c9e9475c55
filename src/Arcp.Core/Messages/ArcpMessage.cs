namespace Arcp.Core.Messages;

/// <summary>The payload of one frame. The set is closed: one immutable record for each message type of the protocol.</summary>
public abstract record ArcpMessage
{
    private protected ArcpMessage()
    {
    }
}
