using Arcp.Core.Leases;
using Arcp.Runtime.Agents;

namespace Playground.Agents;

/// <summary>Asks the lease for models, and tells what it said.</summary>
internal sealed class ModelAgent() : TypedAgent<ModelAgent.Input?, GateAgent.Output>(AgentJsonContext.Default.ModelInput!, AgentJsonContext.Default.GateOutput)
{
    protected override Task<GateAgent.Output> RunAsync(Input? input, JobContext job, CancellationToken cancellationToken) => Task.FromResult(
        GateAgent.Ask(job, (input?.Models ?? []).Select(model => new GateAgent.Operation(LeaseNamespaces.ModelUse, model))));

    internal sealed record Input(IReadOnlyList<string?>? Models);
}
