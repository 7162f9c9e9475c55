using System.Security.Cryptography;
using System.Text;
using Arcp.Core.Events;
using Arcp.Core.Ids;

namespace Arcp.Client.Jobs;

/// <summary>Decodes the chunks of a streamed result and checks them (§8.4): strict about order, encoding and size; an identical duplicate is tolerated. Not thread-safe.</summary>
/// <remarks>Keeps no data: a duplicate is known by its digest, as long as no more than <see cref="MaxRemembered"/> chunks came after the first.</remarks>
/// <param name="maxBytes">The most bytes that a result may have.</param>
internal sealed class ResultChunks(long maxBytes)
{
    /// <summary>How many chunks are remembered for their duplicates; it bounds the memory of a stream of empty ones.</summary>
    public const int MaxRemembered = 1024;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly Queue<ChunkMark> _recent = new();
    private long _count;
    private long _size;
    private ResultId? _id;
    private bool _isLast;

    /// <summary>Whether any chunk has come.</summary>
    public bool Any => _count > 0;

    /// <summary>Whether all chunks so far were text.</summary>
    public bool IsText { get; private set; } = true;

    /// <summary>Takes an event.</summary>
    /// <param name="body">The event; what is no chunk is passed over.</param>
    /// <param name="data">The bytes that it adds to the result; empty when it adds none.</param>
    /// <returns>What is wrong with it; null = nothing.</returns>
    public string? Take(EventBody body, out ReadOnlyMemory<byte> data)
    {
        data = default;
        return body switch
        {
            ResultChunkEvent chunk => Take(chunk, out data),
            RawEvent { Kind: "result_chunk" } => "a chunk is malformed",
            _ => null,
        };
    }

    /// <summary>Checks the result as a whole when the job has ended.</summary>
    /// <param name="id">The result that the terminal names.</param>
    /// <param name="size">Its size in decoded bytes, when the terminal says it.</param>
    /// <returns>What is wrong; null = nothing.</returns>
    public string? Finish(ResultId? id, long? size)
    {
        if (!_isLast)
        {
            return "its last chunk has not come";
        }

        if (id is { } named && named != _id)
        {
            return $"the chunks are of result {_id}, the job names {named}";
        }

        return size is { } expected && expected != _size ? $"it has {_size} bytes where the job says {expected}" : null;
    }

    private string? Take(ResultChunkEvent chunk, out ReadOnlyMemory<byte> data)
    {
        data = default;
        if (_id is { } known && known != chunk.ResultId)
        {
            return $"a chunk of result {chunk.ResultId} came among those of {known}";
        }

        if (Decode(chunk) is not { } bytes)
        {
            return $"chunk {chunk.ChunkSeq} is not valid {(chunk.Encoding is "utf8" or "base64" ? chunk.Encoding : "utf8 or base64")}";
        }

        _id = chunk.ResultId;
        var mark = new ChunkMark(chunk.Encoding, chunk.More, Convert.ToBase64String(SHA256.HashData(bytes)));
        long oldest = _count - _recent.Count;
        if (chunk.ChunkSeq >= oldest && chunk.ChunkSeq < _count)
        {
            return _recent.ElementAt((int)(chunk.ChunkSeq - oldest)) == mark ? null : $"chunk {chunk.ChunkSeq} came twice with different content";
        }

        if (chunk.ChunkSeq != _count)
        {
            return $"chunk {chunk.ChunkSeq} came where chunk {_count} was due";
        }

        if (_isLast)
        {
            return $"chunk {chunk.ChunkSeq} came after the last one";
        }

        if (_size + bytes.Length > maxBytes)
        {
            return $"it has more than {maxBytes} bytes";
        }

        _recent.Enqueue(mark);
        if (_recent.Count > MaxRemembered)
        {
            _recent.Dequeue();
        }

        _count++;
        _size += bytes.Length;
        _isLast = !chunk.More;
        IsText &= chunk.Encoding == "utf8";
        data = bytes;
        return null;
    }

    private static byte[]? Decode(ResultChunkEvent chunk)
    {
        try
        {
            switch (chunk.Encoding)
            {
                case "utf8":
                    return StrictUtf8.GetBytes(chunk.Data);
                case "base64":
                    byte[] data = Convert.FromBase64String(chunk.Data);

                    // The decoder overlooks white space and stray bits behind the last byte.
                    return Convert.ToBase64String(data) == chunk.Data ? data : null;
                default:
                    return null;
            }
        }
        catch (Exception e) when (e is FormatException or ArgumentException)
        {
            return null;
        }
    }

    private readonly record struct ChunkMark(string Encoding, bool More, string Digest);
}
