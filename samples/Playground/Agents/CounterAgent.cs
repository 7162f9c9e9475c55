using Arcp.Runtime.Agents;

namespace Playground.Agents;

/// <summary>Counts, and says so.</summary>
internal sealed class CounterAgent() : TypedAgent<CounterAgent.Input?, CounterAgent.Output>(AgentJsonContext.Default.CounterInput!, AgentJsonContext.Default.CounterOutput)
{
    protected override async Task<Output> RunAsync(Input? input, JobContext job, CancellationToken cancellationToken)
    {
        input ??= new Input();
        await Pause.ForAsync(input.StartDelayMs, cancellationToken);
        for (int i = 1; i <= input.N; i++)
        {
            await job.ProgressAsync(i, input.N);
            await job.LogAsync($"tick {i}");
            await Pause.ForAsync(input.DelayMs, cancellationToken);
        }

        return new Output(input.N);
    }

    internal sealed record Input(int N = 10, double DelayMs = 0, double StartDelayMs = 0);

    internal sealed record Output(int Count);
}
