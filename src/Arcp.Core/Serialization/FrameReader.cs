using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Arcp.Core.Messages;

namespace Arcp.Core.Serialization;

/// <summary>Reads frames (§5): header members in any order, the payload decoded once, straight from the buffer.</summary>
/// <remarks>Thread-safe. Whatever the bytes are, the outcome is a value and never an exception.</remarks>
public static class FrameReader
{
    /// <summary>Reads one frame.</summary>
    /// <param name="frame">The frame's UTF-8 bytes; nothing of them is kept.</param>
    /// <param name="receiver">Who reads: a frame that only this side may send is refused.</param>
    /// <param name="envelope">The frame, when it could be read.</param>
    /// <param name="error">Why not, when it could not.</param>
    /// <returns>Whether the frame could be read.</returns>
    public static bool TryRead(
        ReadOnlySpan<byte> frame,
        Peer receiver,
        [NotNullWhen(true)] out Envelope? envelope,
        [NotNullWhen(false)] out FrameError? error) => TryRead(frame, receiver, repeated: null, out envelope, out error);

    /// <summary>Reads one frame, for those who need no <see cref="Envelope"/> around its two parts.</summary>
    /// <param name="frame">The frame's UTF-8 bytes; nothing of them is kept.</param>
    /// <param name="receiver">Who reads: a frame that only this side may send is refused.</param>
    /// <param name="header">The frame's header, when it could be read.</param>
    /// <param name="message">The frame's payload, when it could be read.</param>
    /// <param name="error">Why not, when it could not.</param>
    /// <returns>Whether the frame could be read.</returns>
    public static bool TryRead(
        ReadOnlySpan<byte> frame,
        Peer receiver,
        out FrameHeader header,
        [NotNullWhen(true)] out ArcpMessage? message,
        [NotNullWhen(false)] out FrameError? error)
    {
        var state = new ParsedFrame { Receiver = receiver };
        error = Read(frame, ref state, out message);
        header = error is null ? state.Header : default;
        return error is null;
    }

    /// <summary>Reads one of the many frames of a connection.</summary>
    /// <param name="frame">The frame's UTF-8 bytes; nothing of them is kept.</param>
    /// <param name="receiver">Who reads: a frame that only this side may send is refused.</param>
    /// <param name="repeated">What the connection's last frame had in its header; taken from there when this one has the same. Null = nothing is.</param>
    /// <param name="envelope">The frame, when it could be read.</param>
    /// <param name="error">Why not, when it could not.</param>
    /// <returns>Whether the frame could be read.</returns>
    public static bool TryRead(
        ReadOnlySpan<byte> frame,
        Peer receiver,
        RepeatedHeader? repeated,
        [NotNullWhen(true)] out Envelope? envelope,
        [NotNullWhen(false)] out FrameError? error)
    {
        if (receiver is Peer.Client && repeated?.TryReadEvent(frame) is { } known)
        {
            (envelope, error) = (known, null);
            return true;
        }

        var state = new ParsedFrame { Receiver = receiver, Repeated = repeated };
        error = Read(frame, ref state, out ArcpMessage? message);
        envelope = message is null ? null : new Envelope(state.Header, message);
        return error is null;
    }

    // Gives an error or a message.
    private static FrameError? Read(ReadOnlySpan<byte> frame, ref ParsedFrame state, out ArcpMessage? message)
    {
        message = null;
        return FrameHeaderReader.Read(frame, ref state) ?? ReadPayload(frame, ref state, out message);
    }

    private static FrameError? ReadPayload(ReadOnlySpan<byte> frame, ref ParsedFrame state, out ArcpMessage? message)
    {
        message = null;
        if (string.IsNullOrEmpty(state.Type))
        {
            return state.Malformed(FrameMember.Type, "is required and must be a non-empty string");
        }

        if (state.Entry is not { } entry)
        {
            return state.Error(FrameErrorKind.UnknownType, "The protocol does not define this type.");
        }

        if (entry.Sender is { } sender && sender == state.Receiver)
        {
            return state.Error(FrameErrorKind.WrongDirection, $"'{entry.Name}' is sent by the {(sender is Peer.Runtime ? "runtime" : "client")} only.");
        }

        state.Repeated?.Keep(frame, state);
        if (state.Message is { } known)
        {
            message = known;
            return null;
        }

        ReadOnlySpan<byte> payload = state.PayloadToken is JsonTokenType.None or JsonTokenType.Null
            ? "{}"u8
            : frame[state.PayloadStart..state.PayloadEnd];
        if (payload[0] != (byte)'{')
        {
            return state.Error(FrameErrorKind.InvalidPayload, $"{entry.Name}: 'payload' must be an object.");
        }

        try
        {
            message = (ArcpMessage)JsonSerializer.Deserialize(payload, entry.Contract)!;
            return null;
        }
        catch (JsonException e)
        {
            return state.Error(FrameErrorKind.InvalidPayload, PayloadErrorText.Describe(entry, payload, e));
        }
    }
}
