using System.Text.Encodings.Web;
using System.Text.Json;
using Arcp.Core;
using Arcp.Core.Messages;
using Arcp.Core.Serialization;

namespace Arcp.Runtime.Jobs;

/// <summary>Puts a streamed result together again out of the job's log, for those who take no chunks (§6.2, §8.4).</summary>
internal static class StreamedResult
{
    private static readonly ResultJsonContext Json = new(new JsonSerializerOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    private static ReadOnlySpan<byte> PayloadMember => "\"payload\":"u8;

    /// <summary>The result as one JSON string: the text, or all bytes as base64.</summary>
    /// <returns>Null when its first chunks are no longer held.</returns>
    public static RawJson? TryAssemble(Job job)
    {
        var sink = new ChunkReader([]);
        long position = 0;
        if (job.Feed.Read(ref position, ref sink) is LogReadStatus.Gone)
        {
            return null;
        }

        string text = sink.Chunks.All(chunk => chunk.Encoding == "utf8")
            ? string.Concat(sink.Chunks.Select(chunk => chunk.Data))
            : Convert.ToBase64String([.. sink.Chunks.SelectMany(chunk => Convert.FromBase64String(chunk.Data))]);
        return ToJson(text);
    }

    /// <summary>Text as a JSON string, with nothing escaped that need not be.</summary>
    public static RawJson ToJson(string text) => RawJson.From(text, Json.String);

    /// <summary>The tail of a terminal frame with the result inline. All but the payload, its id too, stays as it was.</summary>
    /// <param name="tail">The tail as it stands in the log.</param>
    /// <param name="result">The result.</param>
    /// <param name="summary">A line for people.</param>
    public static byte[] WithInline(ReadOnlySpan<byte> tail, RawJson result, string? summary)
    {
        int payload = tail.IndexOf(PayloadMember) + PayloadMember.Length;
        var message = new JobResult { FinalStatus = JobStatus.Success, Result = result, Summary = summary };
        return [.. tail[..payload], .. FrameWriter.WritePayload(message), (byte)'}'];
    }

    private readonly struct ChunkReader(List<(string Encoding, string Data)> chunks) : ILogSink
    {
        public List<(string Encoding, string Data)> Chunks { get; } = chunks;

        public bool Accept(long number, in LogEntry entry)
        {
            if (entry.Required == Features.ResultChunk)
            {
                ReadOnlySpan<byte> tail = entry.TailFor(isOwner: true);
                int payload = tail.IndexOf(PayloadMember) + PayloadMember.Length;
                var reader = new Utf8JsonReader(tail[payload..^1]);
                JsonElement body = JsonElement.ParseValue(ref reader).GetProperty("body"u8);
                Chunks.Add((body.GetProperty("encoding"u8).GetString()!, body.GetProperty("data"u8).GetString()!));
            }

            return true;
        }
    }
}
