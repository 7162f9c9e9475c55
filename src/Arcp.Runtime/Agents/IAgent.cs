using Arcp.Core;

namespace Arcp.Runtime.Agents;

/// <summary>Does the work of jobs. One instance serves one job.</summary>
public interface IAgent
{
    /// <summary>Runs one job to its end.</summary>
    /// <param name="job">The job: its input, and what the agent may do.</param>
    /// <param name="cancellationToken">Cancelled when the job has ended without the agent, or the runtime shuts down. What is emitted after that is dropped.</param>
    /// <returns>The result; null = the JSON value null.</returns>
    /// <exception cref="ArcpException">The job fails with this code and message. Any other exception becomes <c>INTERNAL_ERROR</c>, its text stays in the log (§12).</exception>
    Task<RawJson?> RunAsync(JobContext job, CancellationToken cancellationToken);
}
