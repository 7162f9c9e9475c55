using System.Buffers;
using System.Text;
using Arcp.Core.Ids;
using Arcp.Core.Serialization;
using Arcp.Runtime.Jobs;

namespace Arcp.Runtime.Agents;

/// <summary>Where a streamed result goes.</summary>
internal interface IResultSink
{
    /// <summary>Takes the next piece.</summary>
    ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, bool more);

    /// <summary>How the job ends by the result.</summary>
    JobOutcome Finish(long length, string? summary);
}

/// <summary>Emits each piece as a <c>result_chunk</c>.</summary>
internal sealed class ChunkSink(Job job, ResultEncoding encoding, TimeProvider clock) : IResultSink
{
    private readonly ResultId _id = ResultId.New(clock);
    private long _next;

    public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, bool more) =>
        job.EmitAsync(new ResultChunkBytes(_id, _next++, bytes.Span, encoding is ResultEncoding.Utf8, more));

    public JobOutcome Finish(long length, string? summary) => new JobOutcome.SucceededByStream(_id, length, summary);
}

/// <summary>Puts the pieces together, for a session that takes no chunks (§6.2).</summary>
internal sealed class InlineSink(ResultEncoding encoding) : IResultSink
{
    private readonly ArrayBufferWriter<byte> _bytes = new();

    public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, bool more)
    {
        _bytes.Write(bytes.Span);
        return ValueTask.CompletedTask;
    }

    public JobOutcome Finish(long length, string? summary) =>
        new JobOutcome.Succeeded(StreamedResult.ToJson(ResultText.Encode(_bytes.WrittenSpan, encoding))) { Summary = summary };
}

/// <summary>Bytes of a result as text.</summary>
internal static class ResultText
{
    public static string Encode(ReadOnlySpan<byte> bytes, ResultEncoding encoding) =>
        encoding is ResultEncoding.Utf8 ? Encoding.UTF8.GetString(bytes) : Convert.ToBase64String(bytes);
}
