using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Arcp.Core.Ids;
using Arcp.Runtime.Authentication;
using Arcp.Runtime.Configuration;
using Arcp.Runtime.Diagnostics;
using Arcp.Runtime.Time;
using Microsoft.Extensions.Logging;

namespace Arcp.Runtime.Jobs;

/// <summary>All jobs that are at work or retained.</summary>
/// <remarks>Thread-safe. A job that has ended is forgotten when its retention is over (§6.6).</remarks>
internal sealed class JobRegistry(ArcpRuntimeOptions options, DeadlineQueue deadlines, TimeProvider clock, ILogger logger)
{
    private readonly ConcurrentDictionary<JobId, Job> _jobs = new();
    private readonly Lock _lock = new();
    private readonly Dictionary<Principal, int> _active = [];
    private bool _isClosed;

    /// <summary>How many jobs there are.</summary>
    public int Count => _jobs.Count;

    /// <summary>How many of them have not ended.</summary>
    public int ActiveCount
    {
        get
        {
            lock (_lock)
            {
                return _active.Values.Sum();
            }
        }
    }

    public IEnumerable<Job> All => _jobs.Values;

    /// <summary>Creates a job, unless a limit or the shutdown forbids it.</summary>
    public JobCreation TryCreate(JobSpec spec, out Job? job)
    {
        job = null;
        lock (_lock)
        {
            int active = _active.GetValueOrDefault(spec.Principal);
            if (_isClosed || active >= options.MaxRunningJobsPerPrincipal)
            {
                return _isClosed ? JobCreation.ShuttingDown : JobCreation.TooMany;
            }

            _active[spec.Principal] = active + 1;
            job = new Job(spec, new JobLog(options.MaxLogEventsPerJob, options.MaxLogBytesPerJob), clock, OnEnded);
            _jobs[spec.Id] = job;
            return JobCreation.Created;
        }
    }

    public bool TryFind(JobId id, [NotNullWhen(true)] out Job? job) => _jobs.TryGetValue(id, out job);

    /// <summary>From now on no job is created.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _isClosed = true;
        }
    }

    private void OnEnded(Job job)
    {
        lock (_lock)
        {
            int active = _active[job.Spec.Principal] - 1;
            if (active == 0)
            {
                _active.Remove(job.Spec.Principal);
            }
            else
            {
                _active[job.Spec.Principal] = active;
            }
        }

        Log.JobEnded(logger, job.Spec.Id, job.Snapshot().State.Status.Value);
        deadlines.Schedule(options.EffectiveRetention, () => _jobs.TryRemove(job.Spec.Id, out _));
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
