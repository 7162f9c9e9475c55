using Arcp.Runtime.Agents;

namespace Playground.Agents;

/// <summary>Rotates its first credential.</summary>
internal sealed class RotatorAgent() : TypedAgent<RotatorAgent.Input?, RotatorAgent.Output>(AgentJsonContext.Default.RotatorInput!, AgentJsonContext.Default.RotatorOutput)
{
    protected override async Task<Output> RunAsync(Input? input, JobContext job, CancellationToken cancellationToken)
    {
        int rotated = 0;
        for (int times = job.Credentials.Count > 0 ? (input ?? new Input()).Times : 0; rotated < times; rotated++)
        {
            await job.RotateCredentialAsync(job.Credentials[0].Id, cancellationToken);
        }

        return new Output(rotated);
    }

    internal sealed record Input(int Times = 1);

    internal sealed record Output(int Rotated);
}
