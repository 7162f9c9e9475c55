using System.Buffers;
using System.Text;
using Arcp.Core.Events;
using Arcp.Core.Ids;

namespace Arcp.Client.Jobs;

/// <summary>Puts a streamed result together (§8.4): strict about order, base64 and size; an identical duplicate is tolerated. Not thread-safe.</summary>
/// <param name="maxBytes">The most bytes that a result may have.</param>
internal sealed class ResultAssembler(long maxBytes)
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly ArrayBufferWriter<byte> _bytes = new();
    private readonly List<(int Offset, int Length, string Encoding, bool More)> _chunks = [];
    private ResultId? _id;

    /// <summary>Whether any chunk has come.</summary>
    public bool HasChunks => _chunks.Count > 0;

    /// <summary>Whether all chunks so far were text.</summary>
    public bool IsText { get; private set; } = true;

    /// <summary>Adds a chunk.</summary>
    /// <returns>What is wrong with it; null = nothing.</returns>
    public string? Add(ResultChunkEvent chunk)
    {
        if (_id is { } known && known != chunk.ResultId)
        {
            return $"a chunk of result {chunk.ResultId} came among those of {known}";
        }

        if (Decode(chunk) is not { } data)
        {
            return $"chunk {chunk.ChunkSeq} is not valid {(chunk.Encoding is "utf8" or "base64" ? chunk.Encoding : "utf8 or base64")}";
        }

        _id = chunk.ResultId;
        if (chunk.ChunkSeq >= 0 && chunk.ChunkSeq < _chunks.Count)
        {
            return IsDuplicate(_chunks[(int)chunk.ChunkSeq], chunk, data) ? null : $"chunk {chunk.ChunkSeq} came twice with different content";
        }

        if (chunk.ChunkSeq != _chunks.Count)
        {
            return $"chunk {chunk.ChunkSeq} came where chunk {_chunks.Count} was due";
        }

        if (HasChunks && !_chunks[^1].More)
        {
            return $"chunk {chunk.ChunkSeq} came after the last one";
        }

        if (_bytes.WrittenCount + (long)data.Length > maxBytes)
        {
            return $"it has more than {maxBytes} bytes";
        }

        _chunks.Add((_bytes.WrittenCount, data.Length, chunk.Encoding, chunk.More));
        IsText &= chunk.Encoding == "utf8";
        _bytes.Write(data);
        return null;
    }

    /// <summary>Closes the result when the job has ended.</summary>
    /// <param name="id">The result that the terminal names.</param>
    /// <param name="size">Its size in decoded bytes, when the terminal says it.</param>
    /// <param name="result">The bytes; empty on an error.</param>
    /// <returns>What is wrong; null = nothing.</returns>
    public string? Finish(ResultId? id, long? size, out ReadOnlyMemory<byte> result)
    {
        result = default;
        if (!HasChunks || _chunks[^1].More)
        {
            return "its last chunk has not come";
        }

        if (id is { } named && named != _id)
        {
            return $"the chunks are of result {_id}, the job names {named}";
        }

        if (size is { } expected && expected != _bytes.WrittenCount)
        {
            return $"it has {_bytes.WrittenCount} bytes where the job says {expected}";
        }

        result = _bytes.WrittenMemory;
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

    private bool IsDuplicate((int Offset, int Length, string Encoding, bool More) kept, ResultChunkEvent chunk, byte[] data) =>
        kept.Encoding == chunk.Encoding && kept.More == chunk.More
        && _bytes.WrittenSpan.Slice(kept.Offset, kept.Length).SequenceEqual(data);
}
