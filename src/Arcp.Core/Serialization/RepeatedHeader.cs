using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Arcp.Core.Ids;
using Arcp.Core.Messages;

namespace Arcp.Core.Serialization;

/// <summary>What the last frame of a connection had in its header: the next one has mostly the same session, job and trace, and then needs no new objects for them.</summary>
/// <remarks>
/// Not thread-safe: one for each loop that reads frames. Which frames were read with it makes no difference to what is read.
/// Holds the texts of a few ids and at most 1 KiB more.
/// </remarks>
public sealed class RepeatedHeader
{
    private const int LongestHead = 1024;
    private const int LongestNumber = 18; // digits that a long holds whatever they are

    // Characters that stand for themselves in a JSON string.
    private static readonly SearchValues<byte> IdCharacters =
        SearchValues.Create("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-"u8);

    // The last event's bytes before its payload. Without its number and id they are three pieces, which an event's frame mostly shares with the last one's.
    private byte[] _head = [];
    private Range _beforeNumber;
    private Range _beforeId;
    private Range _behindId;
    private int _idLength;
    private FrameHeader _headMembers;

    /// <summary>The session, job and trace that were named last.</summary>
    internal FrameHeader Last { get; private set; }

    /// <summary>Remembers a frame that was read.</summary>
    internal void Keep(ReadOnlySpan<byte> frame, in ParsedFrame read)
    {
        FrameHeader header = read.Header;
        Last = new FrameHeader { SessionId = header.SessionId ?? Last.SessionId, JobId = header.JobId ?? Last.JobId, Trace = header.Trace ?? Last.Trace };

        // In the order in which runtimes of this project write, with nothing behind the payload.
        (int number, int numberEnd) = (read.EventSeqText.Start.Value, read.EventSeqText.End.Value);
        (int id, int idEnd) = (read.IdText.Start.Value, read.IdText.End.Value);
        if (read.Message is JobEvent && number > 0 && id > numberEnd && read.PayloadStart > idEnd && read.PayloadStart <= LongestHead
            && idEnd - id <= ArcpId.MaxLength && frame[read.PayloadEnd..] is [(byte)'}'])
        {
            if (_head.Length < read.PayloadStart)
            {
                _head = new byte[LongestHead];
            }

            frame[..read.PayloadStart].CopyTo(_head);
            (_beforeNumber, _beforeId, _behindId) = (..number, numberEnd..id, idEnd..read.PayloadStart);
            _idLength = idEnd - id;
            _headMembers = header;
        }
    }

    /// <summary>Reads an event whose header is the last one's but for its number and id: equal bytes need not be read again.</summary>
    /// <returns>The frame; null = it is no such event, and nothing is known of it.</returns>
    internal Envelope? TryReadEvent(ReadOnlySpan<byte> frame)
    {
        ReadOnlySpan<byte> rest = frame;
        if (_idLength == 0 || !TrySkip(ref rest, _beforeNumber) || !TryTakeNumber(ref rest, out long number)
            || !TrySkip(ref rest, _beforeId) || rest.Length < _idLength)
        {
            return null;
        }

        ReadOnlySpan<byte> id = rest[.._idLength];
        rest = rest[_idLength..];
        if (id.ContainsAnyExcept(IdCharacters) || !TrySkip(ref rest, _behindId) || rest is not [.., (byte)'}'])
        {
            return null;
        }

        return TryReadPayload(rest[..^1]) is { } message
            ? new Envelope(_headMembers with { EventSeq = number, Id = new MessageId(Encoding.ASCII.GetString(id)) }, message)
            : null;
    }

    private static JobEvent? TryReadPayload(ReadOnlySpan<byte> payload)
    {
        if (!Utf8.IsValid(payload))
        {
            return null;
        }

        try
        {
            var reader = new Utf8JsonReader(payload);
            reader.Read();
            JobEvent? message = PlainEventReader.TryRead(payload, ref reader);
            return reader.BytesConsumed == payload.Length ? message : null;
        }
        catch (JsonException)
        {
            return null; // what is wrong is said when the whole frame is read
        }
    }

    private static bool TryTakeNumber(ref ReadOnlySpan<byte> rest, out long number)
    {
        number = 0;
        int length = 0;
        while (length < rest.Length && length <= LongestNumber && rest[length] is >= (byte)'0' and <= (byte)'9')
        {
            number = (number * 10) + (rest[length++] - '0');
        }

        bool isPlain = length is > 0 and <= LongestNumber && rest[0] is not (byte)'0';
        rest = rest[length..];
        return isPlain;
    }

    private bool TrySkip(ref ReadOnlySpan<byte> rest, Range piece)
    {
        ReadOnlySpan<byte> expected = _head.AsSpan(piece);
        bool isThere = rest.StartsWith(expected);
        rest = isThere ? rest[expected.Length..] : rest;
        return isThere;
    }
}
