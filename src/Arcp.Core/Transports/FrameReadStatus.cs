namespace Arcp.Core.Transports;

/// <summary>What <see cref="ITransport.ReadAsync"/> received.</summary>
public enum FrameReadStatus
{
    /// <summary>A frame.</summary>
    Frame,

    /// <summary>A message that is not text; its content is dropped and the next frame can be read.</summary>
    NotText,

    /// <summary>
    /// A frame beyond the buffer's limit; its content is dropped, and no frame can be received any more. Sending still works.
    /// Further reads drop whatever comes and end with <see cref="Closed"/>. An owner that wants the peer to see a last error
    /// before the connection goes (a socket that is closed over unread data resets the connection) sends it, closes,
    /// and reads on for a bounded time.
    /// </summary>
    TooLarge,

    /// <summary>The peer has closed its side. No frame follows.</summary>
    Closed,
}
