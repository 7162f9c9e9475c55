using Arcp.Core.Ids;

namespace Arcp.Runtime.Jobs;

/// <summary>One principal's jobs in the order of their creation, for pages that cost what they hold and no more (§6.6).</summary>
/// <remarks>Thread-safe. Calls nobody but the table with its lock held.</remarks>
/// <param name="table">Where the jobs are; whoever removes one there has removed it here before.</param>
internal sealed class JobListing(JobTable table)
{
    /// <summary>How many jobs one page looks at: a filter that few jobs pass gives short pages, not long work.</summary>
    private const int MaxLooks = 1_000;

    private readonly Lock _lock = new();
    private readonly SortedJobs _jobs = new(number => table.Find(number)!);

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _jobs.Count;
            }
        }
    }

    public void Add(KnownJob job)
    {
        lock (_lock)
        {
            _jobs.Add(job);
        }
    }

    public void Remove(KnownJob job)
    {
        lock (_lock)
        {
            _jobs.Remove(job);
        }
    }

    /// <summary>Finds the jobs behind a place.</summary>
    /// <param name="behind">The last job of the page before, which need not exist any more; null = from the start.</param>
    /// <param name="limit">How many are wanted.</param>
    /// <param name="matches">Which are wanted.</param>
    public JobPage Find(JobPlace? behind, int limit, Predicate<KnownJob> matches)
    {
        List<KnownJob> found = [];
        int looks = 0;
        int portion = limit + 1; // one more tells whether there is a next page
        while (true)
        {
            List<long> next = TakeBehind(behind, portion);
            KnownJob? last = null;
            foreach (KnownJob job in next.Select(table.Find).OfType<KnownJob>()) // one may have been forgotten since
            {
                if (found.Count == limit || looks == MaxLooks)
                {
                    return new JobPage(found, last is null ? behind : JobPlace.Of(last));
                }

                looks++;
                last = job;
                if (matches(job))
                {
                    found.Add(job);
                }
            }

            if (next.Count < portion)
            {
                return new JobPage(found, null);
            }

            behind = last is null ? behind : JobPlace.Of(last);
            portion = Math.Min(portion * 2, MaxLooks + 1); // few match: look further at once
        }
    }

    private List<long> TakeBehind(JobPlace? behind, int count)
    {
        lock (_lock)
        {
            return _jobs.Take(behind, count);
        }
    }
}

/// <summary>A page of a listing.</summary>
/// <param name="Jobs">The jobs.</param>
/// <param name="Next">Where the next page begins; null = there is none.</param>
internal readonly record struct JobPage(IReadOnlyList<KnownJob> Jobs, JobPlace? Next);

/// <summary>A job's place in the order of §6.6: by creation, then by id.</summary>
internal readonly record struct JobPlace(DateTimeOffset CreatedAt, JobId JobId) : IComparable<JobPlace>
{
    public static JobPlace Of(KnownJob job) => new(job.CreatedAt, job.Id);

    public int CompareTo(JobPlace other)
    {
        int order = CreatedAt.CompareTo(other.CreatedAt);
        return order != 0 ? order : string.CompareOrdinal(JobId.Value, other.JobId.Value);
    }

    /// <summary>Compares with a job's place. Its id is looked at only when it has to be.</summary>
    public int CompareTo(KnownJob other)
    {
        int order = CreatedAt.CompareTo(other.CreatedAt);
        return order != 0 ? order : CompareTo(Of(other));
    }
}
