using System.Text.Encodings.Web;
using System.Text.Json;
using Arcp.Core;
using Arcp.Core.Messages;
using Arcp.Core.Serialization;

namespace Arcp.Runtime.Jobs;

/// <summary>Puts a streamed result together again out of the job's log, for those who take no chunks (§6.2, §8.4).</summary>
internal sealed class StreamedResult
{
    private static readonly JobJsonContext Json = new(new JsonSerializerOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    private readonly List<(string Encoding, string Data)> _chunks = [];
    private long _position;

    private static ReadOnlySpan<byte> PayloadMember => "\"payload\":"u8;

    /// <summary>Reads on in the job's log, as far as memory and the page go.</summary>
    /// <returns><see cref="LogReadStatus.CaughtUp"/>: the result is whole. <see cref="LogReadStatus.Gone"/>: it never will be.</returns>
    public LogReadStatus Read(Job job, LogPage? page)
    {
        var sink = new ChunkReader(_chunks);
        LogReadStatus status;
        do
        {
            status = job.Feed.Read(page, ref _position, ref sink);
        }
        while (status is LogReadStatus.More);
        return status;
    }

    /// <summary>The result of a job that has ended by it; null = memory does not hold all of it.</summary>
    public static RawJson? TryAssemble(Job job)
    {
        var result = new StreamedResult();
        return result.Read(job, null) is LogReadStatus.CaughtUp ? result.ToJson() : null;
    }

    /// <summary>Reads on, from the runtime's store where memory does not reach.</summary>
    public async Task ReadAllAsync(Job job, CancellationToken cancellationToken)
    {
        LogPage? page = null;
        while (Read(job, page) is LogReadStatus.Away)
        {
            page = await job.Feed.FetchAsync(_position, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The result as one JSON string: the text, or all bytes as base64.</summary>
    public RawJson ToJson() => ToJson(_chunks.TrueForAll(chunk => chunk.Encoding == "utf8")
        ? string.Concat(_chunks.Select(chunk => chunk.Data))
        : Convert.ToBase64String([.. _chunks.SelectMany(chunk => Convert.FromBase64String(chunk.Data))]));

    /// <summary>Text as a JSON string, with nothing escaped that need not be.</summary>
    public static RawJson ToJson(string text) => RawJson.From(text, Json.String);

    /// <summary>Whether a terminal frame tells of a streamed result.</summary>
    /// <param name="tail">The tail of the frame.</param>
    /// <param name="summary">Its line for people.</param>
    public static bool IsToldBy(ReadOnlySpan<byte> tail, out string? summary)
    {
        summary = null;
        if (!tail.StartsWith(",\"type\":\"job.result\""u8))
        {
            return false;
        }

        JsonElement payload = PayloadOf(tail);
        summary = payload.TryGetProperty("summary"u8, out JsonElement text) ? text.GetString() : null;
        return payload.TryGetProperty("result_id"u8, out _);
    }

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

    private static JsonElement PayloadOf(ReadOnlySpan<byte> tail)
    {
        int payload = tail.IndexOf(PayloadMember) + PayloadMember.Length;
        var reader = new Utf8JsonReader(tail[payload..^1]);
        return JsonElement.ParseValue(ref reader);
    }

    private readonly struct ChunkReader(List<(string Encoding, string Data)> chunks) : ILogSink
    {
        public SinkAnswer Accept(long number, in LogEntry entry)
        {
            if (entry.Required == Features.ResultChunk)
            {
                JsonElement body = PayloadOf(entry.TailFor(isOwner: true)).GetProperty("body"u8);
                chunks.Add((body.GetProperty("encoding"u8).GetString()!, body.GetProperty("data"u8).GetString()!));
            }

            return SinkAnswer.More;
        }
    }
}
