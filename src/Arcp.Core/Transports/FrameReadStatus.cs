namespace Arcp.Core.Transports;

/// <summary>What <see cref="ITransport.ReadAsync"/> received.</summary>
public enum FrameReadStatus
{
    /// <summary>A frame.</summary>
    Frame,

    /// <summary>A message that is not text; its content is dropped and the next frame can be read.</summary>
    NotText,

    /// <summary>A frame beyond the buffer's limit. The transport cannot be read any further.</summary>
    TooLarge,

    /// <summary>The peer has closed its side. No frame follows.</summary>
    Closed,
}
