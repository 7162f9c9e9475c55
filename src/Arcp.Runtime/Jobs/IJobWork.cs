namespace Arcp.Runtime.Jobs;

/// <summary>What a job does. Implemented by the floor above, which knows agents.</summary>
internal interface IJobWork
{
    /// <summary>Does the work.</summary>
    /// <param name="job">The job.</param>
    /// <param name="cancellationToken">The job's <see cref="Job.Stopping"/>.</param>
    /// <returns>How it went; anything thrown is a failure.</returns>
    ValueTask<JobOutcome> RunAsync(Job job, CancellationToken cancellationToken);
}
