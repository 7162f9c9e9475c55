using Arcp.Runtime.Agents;

namespace Playground.Agents;

/// <summary>Waits, and does not listen when asked to stop: what it emits afterwards must not reach anybody.</summary>
internal sealed class StubbornAgent() : TypedAgent<StubbornAgent.Input?, StubbornAgent.Output>(AgentJsonContext.Default.StubbornInput!, AgentJsonContext.Default.StubbornOutput)
{
    protected override async Task<Output> RunAsync(Input? input, JobContext job, CancellationToken cancellationToken)
    {
        await Pause.ForAsync((input ?? new Input()).Ms, CancellationToken.None);
        await job.LogAsync("finished all the same");
        return new Output(true);
    }

    internal sealed record Input(double Ms = 1000);

    internal sealed record Output(bool Finished);
}
