using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Arcp.Core.Ids;
using Arcp.Runtime.Authentication;
using Arcp.Runtime.Configuration;
using Arcp.Runtime.Diagnostics;
using Arcp.Runtime.Time;
using Microsoft.Extensions.Logging;

namespace Arcp.Runtime.Jobs;

/// <summary>All jobs that are at work or retained, and each principal's share of them.</summary>
/// <remarks>Thread-safe. A job that has ended is forgotten when its retention is over (§6.6).</remarks>
internal sealed class JobRegistry(ArcpRuntimeOptions options, DeadlineQueue deadlines, TimeProvider clock, ILogger logger) : IJobOwner
{
    private readonly ConcurrentDictionary<JobId, Job> _jobs = new();
    private readonly Lock _lock = new();
    private readonly Dictionary<Principal, Share> _shares = [];
    private readonly JobLimits _limits = new(options.MaxLogEventsPerJob, options.MaxLogBytesPerJob, options.MaxStall, new LogMemory(options.MaxLogBytes));
    private int _active;
    private bool _isClosed;

    /// <summary>How many jobs there are.</summary>
    public int Count => _jobs.Count;

    /// <summary>How many of them have not ended.</summary>
    public int ActiveCount => Volatile.Read(ref _active);

    /// <summary>The bytes in all jobs' logs.</summary>
    public long LogBytes => _limits.Memory.Bytes;

    public IEnumerable<Job> All => _jobs.Values;

    /// <summary>Creates a job, unless a limit or the shutdown forbids it.</summary>
    public JobCreation TryCreate(JobSpec spec, out Job? job)
    {
        job = null;
        lock (_lock)
        {
            if (_isClosed)
            {
                return JobCreation.ShuttingDown;
            }

            if (!_shares.TryGetValue(spec.Principal, out Share? share))
            {
                _shares.Add(spec.Principal, share = new Share());
            }

            if (share.Active >= options.MaxRunningJobsPerPrincipal)
            {
                return JobCreation.TooMany;
            }

            share.Active++;
            _active++;
            ArcpTelemetry.JobsRunning.Add(1);
            job = new Job(spec, _limits, clock, this);
            _jobs[spec.Id] = job;
            share.Listing.Add(job);
            return JobCreation.Created;
        }
    }

    /// <summary>Takes back a job that was never accepted. It ends as well, for whoever has found it in a listing meanwhile.</summary>
    public void Discard(Job job)
    {
        Forget(job);
        job.TryApply(new JobSignal.Stopped(JobOutcome.NotAccepted)); // unless the shutdown has ended it already
    }

    public bool TryFind(JobId id, [NotNullWhen(true)] out Job? job) => _jobs.TryGetValue(id, out job);

    /// <summary>A page of a principal's jobs; see <see cref="JobListing.Find"/>.</summary>
    public JobPage Find(Principal principal, JobPlace? behind, int limit, Predicate<Job> matches)
    {
        JobListing? listing;
        lock (_lock)
        {
            listing = _shares.GetValueOrDefault(principal)?.Listing;
        }

        return listing?.Find(behind, limit, matches) ?? new JobPage([], null);
    }

    /// <summary>From now on no job is created.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _isClosed = true;
        }
    }

    /// <summary>Forgets all jobs.</summary>
    public void Clear()
    {
        foreach (Job job in All)
        {
            Forget(job);
        }
    }

    void IJobOwner.OnEnded(Job job)
    {
        if (!_jobs.ContainsKey(job.Spec.Id))
        {
            return; // it was taken back
        }

        string status = job.Snapshot().State.Status.Value;
        Log.JobEnded(logger, job.Spec.Id, status);
        ArcpTelemetry.JobsEnded.Add(1, new KeyValuePair<string, object?>("arcp.status", status));
        ArcpTelemetry.JobDuration.Record(clock.GetElapsedTime(job.CreatedTimestamp).TotalSeconds, new KeyValuePair<string, object?>("arcp.status", status));
        deadlines.Schedule(options.EffectiveRetention, () => Forget(job));
    }

    // Before the end can be seen: whoever sees it may submit again at once.
    void IJobOwner.OnEnding(Job job)
    {
        lock (_lock)
        {
            Share share = _shares[job.Spec.Principal];
            share.Active--;
            _active--;
            RemoveIfEmptyNeedsLock(job.Spec.Principal, share);
        }

        ArcpTelemetry.JobsRunning.Add(-1);
    }

    private void Forget(Job job)
    {
        if (!_jobs.TryRemove(job.Spec.Id, out _))
        {
            return;
        }

        job.ReleaseLog();
        lock (_lock)
        {
            Share share = _shares[job.Spec.Principal];
            share.Listing.Remove(job);
            RemoveIfEmptyNeedsLock(job.Spec.Principal, share);
        }
    }

    private void RemoveIfEmptyNeedsLock(Principal principal, Share share)
    {
        if (share.Active == 0 && share.Listing.Count == 0)
        {
            _shares.Remove(principal);
        }
    }

    /// <summary>What one principal has.</summary>
    private sealed class Share
    {
        public int Active { get; set; }

        public JobListing Listing { get; } = new();
    }
}

/// <summary>What creating a job came to.</summary>
internal enum JobCreation
{
    /// <summary>It exists.</summary>
    Created,

    /// <summary>The principal has as many at work as it may.</summary>
    TooMany,

    /// <summary>The runtime takes no more.</summary>
    ShuttingDown,
}
