using Arcp.Core;
using Arcp.Runtime.Agents;

namespace Playground.Agents;

/// <summary>Fails: with a code by the exception that is meant for the peer, else by one whose text stays here.</summary>
internal sealed class FailerAgent() : TypedAgent<FailerAgent.Input?, RawJson>(AgentJsonContext.Default.FailerInput!, AgentJsonContext.Default.RawJson)
{
    protected override Task<RawJson> RunAsync(Input? input, JobContext job, CancellationToken cancellationToken)
    {
        input ??= new Input();
        throw input.Code is { } code
            ? new ArcpException(new ErrorCode(code), input.Message, input.Retryable)
            : new InvalidOperationException(input.Message);
    }

    internal sealed record Input(string Message = "boom", string? Code = null, bool? Retryable = null);
}
