using Arcp.Core;
using Arcp.Runtime.Agents;

namespace Playground.Agents;

/// <summary>Gives back its input, unchanged.</summary>
internal sealed class EchoAgent : IAgent
{
    public Task<RawJson?> RunAsync(JobContext job, CancellationToken cancellationToken) => Task.FromResult<RawJson?>(job.Input);
}
