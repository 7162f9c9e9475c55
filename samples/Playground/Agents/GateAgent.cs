using Arcp.Core;
using Arcp.Runtime.Agents;

namespace Playground.Agents;

/// <summary>Asks the lease for operations, and tells what it said.</summary>
internal sealed class GateAgent() : TypedAgent<GateAgent.Input?, GateAgent.Output>(AgentJsonContext.Default.GateInput!, AgentJsonContext.Default.GateOutput)
{
    /// <summary>Asks for each operation. It never throws: what is no operation has a code as well.</summary>
    public static Output Ask(JobContext job, IEnumerable<Operation?> operations)
    {
        List<string?> codes = [.. operations.Select(operation => FindCode(job, operation))];
        return new Output([.. codes.Select(code => code is null)], codes);
    }

    protected override Task<Output> RunAsync(Input? input, JobContext job, CancellationToken cancellationToken) => Task.FromResult(Ask(job, input?.Ops ?? []));

    private static string? FindCode(JobContext job, Operation? operation) =>
        operation is not { Namespace: { } name, Target: { } target } ? ErrorCode.InvalidRequest.Value
        : job.TryAuthorize(name, target, out ArcpException? denial) ? null
        : denial.Code.Value;

    internal sealed record Input(IReadOnlyList<Operation?>? Ops);

    internal sealed record Operation(string? Namespace, string? Target);

    internal sealed record Output(IReadOnlyList<bool> Allowed, IReadOnlyList<string?> Codes);
}
