using System.Diagnostics.CodeAnalysis;
using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Runtime.Authentication;
using Arcp.Runtime.Configuration;
using Arcp.Runtime.Diagnostics;
using Arcp.Runtime.Time;
using Microsoft.Extensions.Logging;

namespace Arcp.Runtime.Jobs;

/// <summary>All jobs that are at work or retained, and each principal's share of them.</summary>
/// <remarks>Thread-safe. A job that has ended is forgotten when its retention is over (§6.6).</remarks>
internal sealed class JobRegistry : IJobOwner
{
    private readonly ArcpRuntimeOptions _options;
    private readonly JobSettlement _settlement;
    private readonly DeadlineQueue _deadlines;
    private readonly ILogger _logger;
    private readonly JobEnvironment _environment;
    private readonly JobRetention _retention;
    private readonly Lock _lock = new();
    private readonly JobTable _table;
    private readonly Dictionary<JobId, Job> _objects = []; // those that are not packed
    private readonly Dictionary<Principal, Share> _shares = [];
    private int _active;
    private bool _isClosed;

    public JobRegistry(ArcpRuntimeOptions options, JobSettlement settlement, JobStore? store, DeadlineQueue deadlines, TimeProvider clock, ILogger logger)
    {
        _options = options;
        _settlement = settlement;
        _deadlines = deadlines;
        _logger = logger;
        var limits = new JobLimits(options.MaxLogEventsPerJob, options.MaxLogBytesPerJob, options.MaxStall, new LogMemory(options.MaxLogBytes)) { Store = store };
        _environment = new JobEnvironment(limits, clock, this);
        _table = new JobTable(_environment);
        _retention = new JobRetention(_environment.Archive, deadlines, clock, options.EffectiveRetention);
    }

    /// <summary>How many jobs there are.</summary>
    public int Count => _table.Count;

    /// <summary>How many of them have not ended.</summary>
    public int ActiveCount => Volatile.Read(ref _active);

    /// <summary>The bytes in all jobs' logs.</summary>
    public long LogBytes => _environment.Limits.Memory.Bytes;

    /// <summary>The jobs that are at work at this moment, and perhaps some that have ended.</summary>
    public Job[] AtWork
    {
        get
        {
            lock (_lock)
            {
                return [.. _objects.Values];
            }
        }
    }

    /// <summary>Keeps a place for a job of a principal's, for <see cref="Create"/> or <see cref="Release"/>; nothing of the job is known to anybody meanwhile.</summary>
    /// <exception cref="ArcpException"><c>INTERNAL_ERROR</c>: a limit or the shutdown forbids it.</exception>
    public void Reserve(Principal principal)
    {
        lock (_lock)
        {
            if (_isClosed)
            {
                throw new ArcpException(ErrorCode.InternalError, "The runtime is shutting down.", retryable: true);
            }

            Share share = ShareOfNeedsLock(principal);
            if (share.Active >= _options.MaxRunningJobsPerPrincipal)
            {
                throw new ArcpException(
                    ErrorCode.InternalError,
                    $"The limit of {_options.MaxRunningJobsPerPrincipal} running jobs per principal is reached; try again when one has ended.",
                    retryable: true);
            }

            share.Active++;
        }
    }

    /// <summary>Creates the job that a place was kept for.</summary>
    public Job Create(JobSpec spec)
    {
        var job = new Job(spec, _environment);
        bool isClosed;
        lock (_lock)
        {
            isClosed = _isClosed;
            _active++;
            AddNeedsLock(job, _shares[spec.Principal]);
        }

        ArcpTelemetry.JobsRunning.Add(1);
        if (isClosed)
        {
            job.TryApply(new JobSignal.Stopped(JobOutcome.ShutDown)); // it was decided while the runtime began to stop, which ended all jobs there were
        }

        return job;
    }

    /// <summary>Makes a job of an earlier run.</summary>
    /// <param name="spec">The job.</param>
    /// <param name="state">How far it had come.</param>
    /// <param name="length">How many entries its log has.</param>
    /// <param name="retention">How long it stays listed when it has ended; null = it is known to sessions alone.</param>
    public Job Restore(JobSpec spec, JobState state, long length, TimeSpan? retention)
    {
        var job = new Job(spec, state, new JobLog(_environment.Limits, length), _environment);
        if (retention is { } left)
        {
            lock (_lock)
            {
                Share share = ShareOfNeedsLock(spec.Principal);
                AddNeedsLock(job, share);
                share.Active += state.IsTerminal ? 0 : 1;
                _active += state.IsTerminal ? 0 : 1;
            }

            if (state.IsTerminal)
            {
                _deadlines.Schedule(left, () => Forget(job.Known.Number));
            }
            else
            {
                ArcpTelemetry.JobsRunning.Add(1);
            }
        }

        return job;
    }

    /// <summary>Gives back a place that no job was created for.</summary>
    public void Release(Principal principal)
    {
        lock (_lock)
        {
            ReleaseNeedsLock(principal);
        }
    }

    public bool TryFind(JobId id, [NotNullWhen(true)] out KnownJob? job)
    {
        lock (_lock)
        {
            job = _objects.GetValueOrDefault(id)?.Known;
        }

        // It is in the archive before it goes from among the objects.
        return (job ??= _environment.Archive.TryFind(id, out ArchivedRecord record) ? _table.Find(new PackedJob(record).Number) : null) is not null;
    }

    /// <summary>A page of a principal's jobs; see <see cref="JobListing.Find"/>.</summary>
    public JobPage Find(Principal principal, JobPlace? behind, int limit, Predicate<KnownJob> matches)
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
        foreach (long number in _table.Numbers)
        {
            Forget(number);
        }
    }

    /// <summary>Forgets a job; nothing happens when it is forgotten already.</summary>
    /// <param name="number">Its number.</param>
    public void Forget(long number)
    {
        KnownJob? job;
        lock (_lock)
        {
            job = _table.Find(number);
            if (job is null)
            {
                return;
            }

            Share share = _shares[job.Principal];
            share.Listing.Remove(job);
            RemoveIfEmptyNeedsLock(job.Principal, share);
            _objects.Remove(job.Id);
            _table.Remove(number);
        }

        _environment.Limits.Store?.AppendForgotten(job.Id);
        job.Release();
    }

    // Before the end can be seen: whoever sees it may submit again at once.
    void IJobOwner.OnEnding(Job job)
    {
        lock (_lock)
        {
            _active--;
            ReleaseNeedsLock(job.Spec.Principal);
        }

        ArcpTelemetry.JobsRunning.Add(-1);
    }

    void IJobOwner.OnSettling(Job job) => _settlement.Begin(job);

    void IJobOwner.OnEnded(Job job)
    {
        string status = job.State.Status.Value;
        Log.JobHasEnded(_logger, job.Spec.Id, status);
        if (ArcpTelemetry.JobDuration.Enabled)
        {
            ArcpTelemetry.JobDuration.Record(_environment.Clock.GetElapsedTime(job.CreatedTimestamp).TotalSeconds, new KeyValuePair<string, object?>("arcp.status", status));
        }

        ArcpTelemetry.JobsEnded.Add(1, new KeyValuePair<string, object?>("arcp.status", status));
        if (job.Known.Packed is { } packed)
        {
            lock (_lock)
            {
                if (_table.Pack(job.Known.Number, packed.Record))
                {
                    _objects.Remove(job.Spec.Id);
                }
            }
        }

        _retention.OnEnded(this);
    }

    private void AddNeedsLock(Job job, Share share)
    {
        job.Known.Number = _table.Add(job);
        _objects.Add(job.Spec.Id, job);
        share.Listing.Add(job.Known);
    }

    private Share ShareOfNeedsLock(Principal principal)
    {
        if (!_shares.TryGetValue(principal, out Share? share))
        {
            _shares.Add(principal, share = new Share(_table));
        }

        return share;
    }

    private void ReleaseNeedsLock(Principal principal)
    {
        Share share = _shares[principal];
        share.Active--;
        RemoveIfEmptyNeedsLock(principal, share);
    }

    private void RemoveIfEmptyNeedsLock(Principal principal, Share share)
    {
        if (share.Active == 0 && share.Listing.Count == 0)
        {
            _shares.Remove(principal);
        }
    }

    /// <summary>What one principal has.</summary>
    private sealed class Share(JobTable table)
    {
        public int Active { get; set; }

        public JobListing Listing { get; } = new(table);
    }
}
