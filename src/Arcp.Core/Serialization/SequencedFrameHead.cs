using System.Buffers.Text;
using System.Text.Json;
using Arcp.Core.Ids;

namespace Arcp.Core.Serialization;

/// <summary>What stands in front of the tail in each sequenced frame of one session (§8.3): the session's id and the frame's number.</summary>
/// <remarks>A number that is one above the last is counted up where it stands. Not thread-safe.</remarks>
public sealed class SequencedFrameHead
{
    private const int LongestNumber = 20;

    private readonly byte[] _bytes;
    private readonly int _numberAt;
    private int _length;
    private long _number;

    /// <summary>Prepares the heads of a session.</summary>
    /// <param name="sessionId">The session.</param>
    public SequencedFrameHead(SessionId sessionId)
    {
        _bytes =
        [
            .. "{\"arcp\":\"1.1\",\"session_id\":"u8,
            .. JsonSerializer.SerializeToUtf8Bytes(sessionId, WireJson.Context.SessionId),
            .. ",\"event_seq\":"u8,
            .. new byte[LongestNumber],
        ];
        _numberAt = _length = _bytes.Length - LongestNumber;
    }

    /// <summary>The head of a frame. The frame is it and the tail that <see cref="SequencedFrameWriter"/> wrote.</summary>
    /// <param name="eventSeq">The frame's number in the session; at least 0.</param>
    /// <returns>Its bytes; valid until the next call.</returns>
    public ReadOnlySpan<byte> For(long eventSeq)
    {
        if (eventSeq - 1 != _number || !TryCountUp())
        {
            _ = Utf8Formatter.TryFormat(eventSeq, _bytes.AsSpan(_numberAt), out int digits);
            _length = _numberAt + digits;
        }

        _number = eventSeq;
        return _bytes.AsSpan(0, _length);
    }

    // Not when it takes a digit more.
    private bool TryCountUp()
    {
        for (int i = _length - 1; i >= _numberAt; i--)
        {
            if (_bytes[i]++ != (byte)'9')
            {
                return true;
            }

            _bytes[i] = (byte)'0';
        }

        return false;
    }
}
