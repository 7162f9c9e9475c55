using System.Text.Json;
using Arcp.Core.Events;
using Arcp.Core.Ids;

namespace Arcp.Core.Serialization;

/// <summary>A <see cref="ResultChunkEvent"/> that is written from the result's own bytes, without a string between (§8.4).</summary>
/// <param name="resultId">The result it belongs to.</param>
/// <param name="chunkSeq">Its number: 0, 1, 2 …</param>
/// <param name="bytes">The piece, before any encoding.</param>
/// <param name="isText">True = the bytes are UTF-8 and are sent as text; false = they are sent as base64.</param>
/// <param name="more">False on the last piece.</param>
public readonly ref struct ResultChunkBytes(ResultId resultId, long chunkSeq, ReadOnlySpan<byte> bytes, bool isText, bool more)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;

    internal void WriteTo(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("result_id"u8, resultId.Value);
        writer.WriteNumber("chunk_seq"u8, chunkSeq);
        if (isText)
        {
            writer.WriteString("data"u8, _bytes);
            writer.WriteString("encoding"u8, "utf8"u8);
        }
        else
        {
            writer.WriteBase64String("data"u8, _bytes);
            writer.WriteString("encoding"u8, "base64"u8);
        }

        writer.WriteBoolean("more"u8, more);
        writer.WriteEndObject();
    }
}
