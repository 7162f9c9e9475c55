using System.Diagnostics.CodeAnalysis;
using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Runtime.Authentication;

namespace Arcp.Runtime.Jobs;

/// <summary>What stands for a job wherever it is not at work: the job itself, and when it has ended what is left of it in the archive.</summary>
/// <remarks>
/// Thread-safe. Jobs are retained by the hundred thousand, and few are asked for again: whoever asks for one that has ended is given an object like this, and
/// <see cref="Open"/> makes a job of it again. Nothing of it changes any more, so it does not matter how many there are.
/// </remarks>
internal sealed class KnownJob
{
    private readonly JobEnvironment _environment;
    private readonly JobOrigin _origin;
    private object _content; // the job, or its block in the archive
    private int _offset;

    /// <summary>A job begins to be known.</summary>
    public KnownJob(JobEnvironment environment, Job job)
    {
        _environment = environment;
        _origin = job.Spec.Origin;
        _content = job;
        CreatedAt = job.Spec.CreatedAt;
    }

    /// <summary>A job is known again that has ended.</summary>
    public KnownJob(JobEnvironment environment, PackedJob packed)
    {
        _environment = environment;
        _origin = packed.Record.Origin;
        _content = packed.Record.Block;
        _offset = packed.Record.Offset;
        CreatedAt = packed.CreatedAt;
        Number = packed.Number;
    }

    /// <summary>Its number in the <see cref="JobTable"/>; 0 = it is not there yet.</summary>
    public long Number { get; set; }

    public Principal Principal => _origin.Principal;

    public JobAgent Agent => _origin.Agent;

    public DateTimeOffset CreatedAt { get; }

    public JobId Id => IsPacked(out PackedJob packed, out Job? itself) ? packed.Id : itself.Spec.Id;

    public JobStatus Status => IsPacked(out PackedJob packed, out Job? itself) ? packed.Status : itself.State.Status;

    /// <summary>The job itself; null when it has ended and only what is left of it is known.</summary>
    public Job? Itself => Volatile.Read(ref _content) as Job;

    /// <summary>What is left of the job in the archive; null = the job itself is known.</summary>
    public PackedJob? Packed => IsPacked(out PackedJob packed, out _) ? packed : null;

    /// <summary>The job has ended: from now on this is all that is known of it.</summary>
    public void Pack(PackedJob packed)
    {
        _offset = packed.Record.Offset;
        Volatile.Write(ref _content, packed.Record.Block);
    }

    /// <summary>The job, or one that is in all respects like it: its log can be read, it has ended, and nothing changes that.</summary>
    public Job Open()
    {
        if (!IsPacked(out PackedJob packed, out Job? itself))
        {
            return itself;
        }

        UnpackedJob job = packed.Read();
        return new Job(job.Spec, JobState.EndedWith(job.Status), JobLog.Unpack(_environment.Limits, job.Log), _environment, this);
    }

    /// <summary>What there is to tell of it.</summary>
    public (JobSpec Spec, JobSnapshot Now) Describe()
    {
        if (!IsPacked(out PackedJob packed, out Job? itself))
        {
            return (itself.Spec, itself.Snapshot());
        }

        UnpackedJob job = packed.Read();
        return (job.Spec, new JobSnapshot(JobState.EndedWith(job.Status), job.Log.Length));
    }

    /// <summary>Whether all entries behind a position are still held.</summary>
    public bool Holds(long position) => IsPacked(out PackedJob packed, out Job? itself)
        ? _environment.Limits.Store is not null || position >= packed.Log.Evicted
        : itself.Feed.Holds(position);

    /// <summary>The job is forgotten: its log no longer counts against the runtime's memory.</summary>
    public void Release()
    {
        if (IsPacked(out PackedJob packed, out Job? itself))
        {
            _environment.Limits.Memory.Add(-packed.Log.Bytes);
        }
        else
        {
            itself.Feed.Release();
        }
    }

    private bool IsPacked(out PackedJob packed, [NotNullWhen(false)] out Job? itself)
    {
        object content = Volatile.Read(ref _content);
        itself = content as Job;
        packed = itself is null ? new PackedJob(new ArchivedRecord((ArchiveBlock)content, _offset)) : default;
        return itself is null;
    }
}
