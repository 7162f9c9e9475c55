using Arcp.Runtime.Time;

namespace Arcp.Runtime.Jobs;

/// <summary>Forgets jobs that have ended (§6.6). All are kept for the same time, so they go in the order of their ends, in which the archive has them, and one deadline does for all.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class JobRetention(JobArchive archive, DeadlineQueue deadlines, TimeProvider clock, TimeSpan length)
{
    private readonly Lock _lock = new();
    private bool _isScheduled;

    /// <summary>A job has ended, and is in the archive.</summary>
    /// <param name="jobs">Where it is known.</param>
    public void OnEnded(JobRegistry jobs)
    {
        if (Volatile.Read(ref _isScheduled))
        {
            return; // whoever ends that looks into the archive once more
        }

        lock (_lock)
        {
            if (!_isScheduled)
            {
                ScheduleNeedsLock(length, jobs);
            }
        }
    }

    private void ForgetDue(JobRegistry jobs)
    {
        while (TryFindDue(jobs, out PackedJob job))
        {
            jobs.Forget(job.Number); // before its record goes, which is looked at until then
            archive.Take();
        }
    }

    private bool TryFindDue(JobRegistry jobs, out PackedJob job)
    {
        lock (_lock)
        {
            job = default;
            Volatile.Write(ref _isScheduled, false);
            if (!archive.TryPeek(out ArchivedRecord record)) // a full fence, as adding is
            {
                return false;
            }

            job = new PackedJob(record);
            TimeSpan left = length - clock.GetElapsedTime(job.EndedTimestamp);
            if (left > TimeSpan.Zero)
            {
                ScheduleNeedsLock(left, jobs);
                return false;
            }

            Volatile.Write(ref _isScheduled, true); // whoever called this comes again
            return true;
        }
    }

    private void ScheduleNeedsLock(TimeSpan due, JobRegistry jobs)
    {
        Volatile.Write(ref _isScheduled, true);
        deadlines.Schedule(due, () => ForgetDue(jobs));
    }
}
