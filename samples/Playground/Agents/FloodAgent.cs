using System.Text.Json.Serialization;
using Arcp.Core;
using Arcp.Runtime.Agents;

namespace Playground.Agents;

/// <summary>Emits as fast as it may.</summary>
internal sealed class FloodAgent() : TypedAgent<FloodAgent.Input?, FloodAgent.Output>(AgentJsonContext.Default.FloodInput!, AgentJsonContext.Default.FloodOutput)
{
    protected override async Task<Output> RunAsync(Input? input, JobContext job, CancellationToken cancellationToken)
    {
        if (input is not { N: >= 0, Bytes: >= 0 and <= 1024 * 1024 })
        {
            throw new ArcpException(ErrorCode.InvalidRequest, "flood takes {n, bytes=200}, n at least 0, bytes 0 to 1048576.");
        }

        string message = new('x', input.Bytes);
        for (int i = 0; i < input.N; i++)
        {
            await job.LogAsync(message);
        }

        return new Output(input.N);
    }

    internal sealed record Input([property: JsonRequired] int N, int Bytes = 200);

    internal sealed record Output(int Sent);
}
