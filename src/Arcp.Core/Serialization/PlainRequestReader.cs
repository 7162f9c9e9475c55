using System.Text.Json;
using Arcp.Core.Messages;
using static Arcp.Core.Serialization.PlainValues;

namespace Arcp.Core.Serialization;

/// <summary>
/// Reads the payloads that a runtime is sent in large numbers, a submit of an agent with an input and a pong, on the way through their frames, as
/// <see cref="PlainEventReader"/> does with events: what is not plain is left to the contracts, which alone decide what it means.
/// </summary>
internal static class PlainRequestReader
{
    /// <summary>Reads the payload if it is plain.</summary>
    /// <param name="entry">The message that it is of.</param>
    /// <param name="frame">The frame; valid UTF-8.</param>
    /// <param name="reader">Stands at the payload's first token; goes to its last one when it was read, and nowhere otherwise.</param>
    /// <returns>The message; null = the contracts have to look.</returns>
    /// <exception cref="JsonException">The frame is not valid JSON.</exception>
    public static ArcpMessage? TryRead(MessageCatalog.Entry entry, ReadOnlySpan<byte> frame, ref Utf8JsonReader reader)
    {
        if (reader.TokenType is not JsonTokenType.StartObject)
        {
            return null;
        }

        Utf8JsonReader attempt = reader;
        ArcpMessage? read = entry.Contract.Type == typeof(JobSubmit) ? ReadSubmit(frame, ref attempt)
            : entry.Contract.Type == typeof(SessionPong) ? ReadPong(ref attempt)
            : null;
        if (read is not null)
        {
            reader = attempt;
        }

        return read;
    }

    private static JobSubmit? ReadSubmit(ReadOnlySpan<byte> frame, ref Utf8JsonReader reader)
    {
        (string? agent, RawJson? input) = (null, null);
        while (TryNextMember(ref reader, out ReadOnlySpan<byte> name))
        {
            if (!(name.SequenceEqual("agent"u8) ? TryReadText(ref reader, ref agent)
                : name.SequenceEqual("input"u8) && TryReadRaw(frame, ref reader, ref input)))
            {
                return null;
            }
        }

        return agent is null ? null : new JobSubmit { Agent = agent, Input = input };
    }

    private static SessionPong? ReadPong(ref Utf8JsonReader reader)
    {
        string? nonce = null;
        DateTimeOffset? receivedAt = null;
        while (TryNextMember(ref reader, out ReadOnlySpan<byte> name))
        {
            if (name.SequenceEqual("ping_nonce"u8) && TryReadText(ref reader, ref nonce))
            {
                continue;
            }

            if (receivedAt is not null || !name.SequenceEqual("received_at"u8) || !TimestampConverter.TryRead(ref reader, out DateTimeOffset moment))
            {
                return null;
            }

            receivedAt = moment;
        }

        return new SessionPong { PingNonce = nonce, ReceivedAt = receivedAt };
    }
}
