using Arcp.Client;
using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Messages;

namespace Client.Watch;

/// <summary>Finds jobs as they appear and follows each to its end.</summary>
internal sealed class Watcher(ArcpClient client, JobBoard board)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    private readonly Dictionary<JobId, Task> _followed = [];

    /// <summary>Looks for jobs until there will be no more, and then waits for the end of those that it has found.</summary>
    public async Task RunAsync(Task noMoreJobs, CancellationToken cancellationToken)
    {
        DateTimeOffset? newest = null;
        bool isLast;
        do
        {
            isLast = noMoreJobs.IsCompleted;

            // Jobs of one moment may become known one after the other; those that are known already are passed over.
            var filter = new JobListFilter { CreatedAfter = newest?.AddSeconds(-1) };
            await foreach (JobSummary job in client.ListJobsAsync(filter, cancellationToken))
            {
                newest = job.CreatedAt > newest || newest is null ? job.CreatedAt : newest;
                if (!_followed.ContainsKey(job.JobId))
                {
                    _followed.Add(job.JobId, FollowAsync(job.JobId, cancellationToken));
                }
            }

            await Task.WhenAny(noMoreJobs, Task.Delay(Interval, TimeProvider.System, cancellationToken));
            cancellationToken.ThrowIfCancellationRequested();
        }
        while (!isLast);
        await Task.WhenAll(_followed.Values);
    }

    private async Task FollowAsync(JobId jobId, CancellationToken cancellationToken)
    {
        try
        {
            await using Subscription job = await SubscribeAsync(jobId, cancellationToken);
            board.Begin(job);
            await foreach (JobEvent entry in job.Events.WithCancellation(cancellationToken))
            {
                board.Apply(jobId, entry);
            }

            board.End(jobId, job.Status);
        }
        catch (Exception e) when (e is ArcpException or EventsDroppedException or TimeoutException)
        {
            board.Note(jobId, $"cannot be watched: {e.Message}");
        }
    }

    private async Task<Subscription> SubscribeAsync(JobId jobId, CancellationToken cancellationToken)
    {
        try
        {
            return await client.SubscribeAsync(jobId, new SubscribeOptions { History = true }, cancellationToken);
        }
        catch (ArcpException e) when (e.Code == ErrorCode.InvalidRequest)
        {
            return await client.SubscribeAsync(jobId, cancellationToken: cancellationToken); // its past is no longer held
        }
    }
}
