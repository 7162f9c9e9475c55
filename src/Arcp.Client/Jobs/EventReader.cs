using Arcp.Core.Messages;

namespace Arcp.Client.Jobs;

/// <summary>One reader's way through a job's events. Not thread-safe.</summary>
/// <param name="log">The events.</param>
/// <param name="after">The number above which it wants them.</param>
internal sealed class EventReader(EventLog log, long after)
{
    private long _cursor;

    /// <summary>What the last call of <see cref="NextAsync"/> brought.</summary>
    public List<JobEvent> Batch { get; } = [];

    /// <summary>Takes the next events, as many as are there up to the log's batch; waits for the first of them.</summary>
    /// <returns>False when the job has ended and there are no more.</returns>
    public async ValueTask<bool> NextAsync(CancellationToken cancellationToken)
    {
        Batch.Clear();
        while (log.Read(after, ref _cursor, Batch) is { } changed)
        {
            await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        cancellationToken.ThrowIfCancellationRequested();
        return Batch.Count > 0;
    }
}
