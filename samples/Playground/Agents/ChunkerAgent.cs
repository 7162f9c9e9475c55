using Arcp.Core;
using Arcp.Runtime.Agents;

namespace Playground.Agents;

/// <summary>Streams its result: one chunk after the other, each of one letter or byte.</summary>
internal sealed class ChunkerAgent() : TypedAgent<ChunkerAgent.Input?, RawJson>(AgentJsonContext.Default.ChunkerInput!, AgentJsonContext.Default.RawJson)
{
    protected override async Task<RawJson> RunAsync(Input? input, JobContext job, CancellationToken cancellationToken)
    {
        input ??= new Input();
        if (input is not { Chunks: >= 0, Size: >= 0 and <= 1024 * 1024, Encoding: "utf8" or "base64" })
        {
            throw new ArcpException(ErrorCode.InvalidRequest, "chunker takes {chunks=3, size=16, encoding=\"utf8\"}, chunks at least 0, size 0 to 1048576, encoding utf8 or base64.");
        }

        bool isText = input.Encoding == "utf8";
        await using ResultStream result = job.OpenResultStream(isText ? ResultEncoding.Utf8 : ResultEncoding.Base64);
        for (int i = 0; i < input.Chunks; i++)
        {
            await result.FlushAsync(cancellationToken);
            byte[] chunk = new byte[input.Size];
            Array.Fill(chunk, isText ? (byte)('a' + (i % 26)) : (byte)(i & 255));
            await result.WriteAsync(chunk, cancellationToken);
        }

        await result.CompleteAsync();
        return RawJson.Null;
    }

    internal sealed record Input(int Chunks = 3, int Size = 16, string Encoding = "utf8");
}
