using Arcp.Core;
using Arcp.Core.Leases;
using Arcp.Runtime.Agents;

namespace Playground.Agents;

/// <summary>Asks the lease for operations, and tells what it said.</summary>
internal sealed class GateAgent : TypedAgent<GateAgent.Input, GateAgent.Output>
{
    /// <summary>Asks for each operation; no denial is thrown.</summary>
    public static Output Ask(JobContext job, IEnumerable<Operation> operations)
    {
        List<string?> codes = [.. operations.Select(operation => job.TryAuthorize(operation.Namespace, operation.Target, out ArcpException? denial) ? null : denial.Code.Value)];
        return new Output([.. codes.Select(code => code is null)], codes);
    }

    protected override Task<Output> RunAsync(Input input, JobContext job, CancellationToken cancellationToken) => Task.FromResult(
        Ask(job, input?.Ops ?? throw new ArcpException(ErrorCode.InvalidRequest, "gate takes {ops:[{namespace, target}...]}.")));

    internal sealed record Input(IReadOnlyList<Operation> Ops);

    internal sealed record Operation
    {
        public required string Namespace { get; init; }

        public required string Target { get; init; }
    }

    internal sealed record Output(IReadOnlyList<bool> Allowed, IReadOnlyList<string?> Codes);
}

/// <summary>Asks the lease for models, and tells what it said.</summary>
internal sealed class ModelAgent : TypedAgent<ModelAgent.Input, GateAgent.Output>
{
    protected override Task<GateAgent.Output> RunAsync(Input input, JobContext job, CancellationToken cancellationToken) => Task.FromResult(
        GateAgent.Ask(
            job,
            (input?.Models ?? throw new ArcpException(ErrorCode.InvalidRequest, "model takes {models:[name...]}."))
                .Select(model => new GateAgent.Operation { Namespace = LeaseNamespaces.ModelUse, Target = model })));

    internal sealed record Input(IReadOnlyList<string> Models);
}
