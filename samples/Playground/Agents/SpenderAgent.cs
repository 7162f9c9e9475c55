using Arcp.Core;
using Arcp.Runtime.Agents;

namespace Playground.Agents;

/// <summary>Spends, each cost by a tool call under the lease. A denial ends it.</summary>
internal sealed class SpenderAgent() : TypedAgent<SpenderAgent.Input, SpenderAgent.Output>(AgentJsonContext.Default.SpenderInput, AgentJsonContext.Default.SpenderOutput)
{
    protected override async Task<Output> RunAsync(Input input, JobContext job, CancellationToken cancellationToken)
    {
        if (input?.Costs is null)
        {
            throw new ArcpException(ErrorCode.InvalidRequest, "spender takes {costs:[number...], unit=\"USD\", tool=\"spend.charge\"}.");
        }

        decimal spent = 0;
        foreach (decimal cost in input.Costs)
        {
            await job.CallToolAsync(input.Tool, args: null, async _ =>
            {
                decimal charged = await ChargeAsync(job, cost, input.Unit) ? cost : 0;
                spent += charged;
                return RawJson.From(new Charge(charged), AgentJsonContext.Default.Charge);
            });
        }

        return new Output(spent, input.Costs.Count);
    }

    // A cost that is refused is not counted, and the job goes on (§9.6).
    private static async Task<bool> ChargeAsync(JobContext job, decimal cost, string unit)
    {
        try
        {
            await job.MetricAsync("cost.charge", cost, unit);
            return true;
        }
        catch (ArgumentException e)
        {
            await job.LogAsync(e.Message, "warn");
            return false;
        }
    }

    internal sealed record Input(IReadOnlyList<decimal> Costs, string Unit = "USD", string Tool = "spend.charge");

    internal sealed record Output(decimal Spent, int Calls);

    internal sealed record Charge(decimal Charged);
}
