using System.Diagnostics.CodeAnalysis;
using Arcp.Runtime.Time;

namespace Arcp.Runtime.Jobs;

/// <summary>The jobs that have ended and are still known (§6.6). All are kept for the same time, so they go in the order of their ends, and one deadline does for all.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class JobRetention(DeadlineQueue deadlines, TimeProvider clock, TimeSpan length)
{
    private readonly Lock _lock = new();
    private readonly Queue<(KnownJob Job, long Timestamp)> _ended = new();
    private bool _isScheduled;

    /// <summary>Has a job forgotten when it has been kept for long enough.</summary>
    /// <param name="job">The job, which has just ended.</param>
    /// <param name="jobs">Where it is known.</param>
    public void Add(KnownJob job, JobRegistry jobs)
    {
        lock (_lock)
        {
            _ended.Enqueue((job, clock.GetTimestamp()));
            if (!_isScheduled)
            {
                ScheduleNeedsLock(length, jobs);
            }
        }
    }

    private void ForgetDue(JobRegistry jobs)
    {
        while (TryTakeDue(jobs, out KnownJob? job))
        {
            jobs.Forget(job);
        }
    }

    private bool TryTakeDue(JobRegistry jobs, [NotNullWhen(true)] out KnownJob? job)
    {
        lock (_lock)
        {
            job = null;
            if (!_ended.TryPeek(out (KnownJob Job, long Timestamp) first))
            {
                _isScheduled = false;
            }
            else if (length - clock.GetElapsedTime(first.Timestamp) is var left && left > TimeSpan.Zero)
            {
                ScheduleNeedsLock(left, jobs);
            }
            else
            {
                job = _ended.Dequeue().Job;
            }

            return job is not null;
        }
    }

    private void ScheduleNeedsLock(TimeSpan due, JobRegistry jobs)
    {
        _isScheduled = true;
        deadlines.Schedule(due, () => ForgetDue(jobs));
    }
}
