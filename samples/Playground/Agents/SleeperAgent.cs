using Arcp.Runtime.Agents;

namespace Playground.Agents;

/// <summary>Waits; stops when asked to.</summary>
internal sealed class SleeperAgent() : TypedAgent<SleeperAgent.Input?, SleeperAgent.Output>(AgentJsonContext.Default.SleeperInput!, AgentJsonContext.Default.SleeperOutput)
{
    protected override async Task<Output> RunAsync(Input? input, JobContext job, CancellationToken cancellationToken)
    {
        input ??= new Input();
        await Pause.ForAsync(input.Ms, cancellationToken);
        return new Output(input.Ms);
    }

    internal sealed record Input(double Ms = 1000);

    internal sealed record Output(double Slept);
}
