using Arcp.Core.Ids;

namespace Arcp.Core.Serialization;

/// <summary>Why a frame could not be read.</summary>
public enum FrameErrorKind
{
    /// <summary>Not JSON, not an object, or a header member of the wrong type. The next frame may be fine.</summary>
    Malformed,

    /// <summary>A protocol version with another major number.</summary>
    UnsupportedVersion,

    /// <summary>A type that the protocol does not define; to be logged and ignored.</summary>
    UnknownType,

    /// <summary>A type that only the receiver itself may send.</summary>
    WrongDirection,

    /// <summary>A known type whose payload breaks its schema.</summary>
    InvalidPayload,

    /// <summary>Nested deeper than 64 levels; the connection has to end.</summary>
    TooDeep,
}

/// <summary>A frame that could not be read, with what is known of it.</summary>
/// <param name="Kind">What is wrong.</param>
/// <param name="Message">What was wrong and what is accepted, fit for the peer.</param>
/// <param name="Type">The frame's type, when it could be read.</param>
/// <param name="Header">The header members that could be read.</param>
public sealed record FrameError(FrameErrorKind Kind, string Message, string? Type, FrameHeader Header)
{
    /// <summary>The refused frame's id, when it could be read.</summary>
    public MessageId? RequestId => Header.Id;
}
