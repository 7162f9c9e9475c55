using Arcp.Core;

namespace Arcp.Runtime.Agents;

/// <summary>An agent that is a function.</summary>
internal sealed class DelegateAgent(Func<JobContext, CancellationToken, Task<RawJson?>> run) : IAgent
{
    public Task<RawJson?> RunAsync(JobContext job, CancellationToken cancellationToken) => run(job, cancellationToken);
}
