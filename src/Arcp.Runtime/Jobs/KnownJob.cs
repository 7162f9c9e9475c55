using System.Diagnostics.CodeAnalysis;
using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Runtime.Authentication;

namespace Arcp.Runtime.Jobs;

/// <summary>A job for as long as it is known: while it is at work the job itself, and when it has ended what is left of it, in as little room as that takes.</summary>
/// <remarks>
/// Thread-safe. Jobs are retained by the hundred thousand, and few are asked for again: what they share is referred to, what each has of its own lies in the
/// archive with its log, and <see cref="Open"/> makes a job of it again for whoever asks. Nothing of it changes any more, so it does not matter how many there are.
/// </remarks>
/// <param name="environment">What it shares with others.</param>
internal sealed class KnownJob(JobEnvironment environment)
{
    private JobOrigin _origin = null!; // these three are set by Begin
    private long _createdAt;
    private object _content = null!; // the job, or the block in the archive
    private int _offset;

    /// <summary>Finds jobs by their ids.</summary>
    public static IEqualityComparer<KnownJob> ById { get; } = new IdComparer();

    public Principal Principal => _origin.Principal;

    public JobAgent Agent => _origin.Agent;

    public DateTimeOffset CreatedAt => new(_createdAt, TimeSpan.Zero);

    public JobId Id => IsPacked(out PackedJob packed, out Job? itself) ? packed.Id : itself.Spec.Id;

    public JobStatus Status => IsPacked(out PackedJob packed, out Job? itself) ? packed.Status : itself.State.Status;

    /// <summary>The job itself; null when it has ended and only what is left of it is known.</summary>
    public Job? Itself => Volatile.Read(ref _content) as Job;

    /// <summary>A job begins to be known by it. To be called once, before anybody has it.</summary>
    public void Begin(Job job)
    {
        _origin = job.Spec.Origin;
        _createdAt = job.Spec.CreatedAt.UtcTicks;
        _content = job;
    }

    /// <summary>The job has ended: from now on this is all that is known of it.</summary>
    public void Pack(PackedJob packed)
    {
        _offset = packed.Offset;
        Volatile.Write(ref _content, packed.Block);
    }

    /// <summary>The job, or one that is in all respects like it: its log can be read, it has ended, and nothing changes that.</summary>
    public Job Open()
    {
        if (!IsPacked(out PackedJob packed, out Job? itself))
        {
            return itself;
        }

        PackedReader log = packed.Log;
        return new Job(ToSpec(packed), JobState.EndedWith(packed.Status), JobLog.Unpack(environment.Limits, ref log), environment, this);
    }

    /// <summary>What there is to tell of it.</summary>
    public (JobSpec Spec, JobSnapshot Now) Describe()
    {
        if (!IsPacked(out PackedJob packed, out Job? itself))
        {
            return (itself.Spec, itself.Snapshot());
        }

        PackedReader log = packed.Log;
        return (ToSpec(packed), new JobSnapshot(JobState.EndedWith(packed.Status), JobLog.Measure(ref log).Length));
    }

    /// <summary>Whether all entries behind a position are still held.</summary>
    public bool Holds(long position)
    {
        if (!IsPacked(out PackedJob packed, out Job? itself))
        {
            return itself.Feed.Holds(position);
        }

        PackedReader log = packed.Log;
        return environment.Limits.Store is not null || position >= JobLog.Measure(ref log).Evicted;
    }

    /// <summary>The job is forgotten: its log no longer counts against the runtime's memory.</summary>
    public void Release()
    {
        if (IsPacked(out PackedJob packed, out Job? itself))
        {
            PackedReader log = packed.Log;
            environment.Limits.Memory.Add(-JobLog.Measure(ref log).Bytes);
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
        packed = itself is null ? new PackedJob((byte[])content, _offset) : default;
        return itself is null;
    }

    // What concerned its run alone is not kept.
    private JobSpec ToSpec(PackedJob packed) => new()
    {
        Id = packed.Id,
        Origin = _origin,
        Trace = packed.Trace,
        CreatedAt = CreatedAt,
        ParentId = packed.ParentId,
    };

    private sealed class IdComparer : IEqualityComparer<KnownJob>, IAlternateEqualityComparer<JobId, KnownJob>
    {
        private const int LongestId = 128;

        public bool Equals(KnownJob? x, KnownJob? y) => ReferenceEquals(x, y);

        public int GetHashCode(KnownJob job) => string.GetHashCode(IdOf(job, stackalloc char[LongestId]));

        public bool Equals(JobId id, KnownJob job) => id.Value.AsSpan().SequenceEqual(IdOf(job, stackalloc char[LongestId]));

        public int GetHashCode(JobId id) => string.GetHashCode(id.Value);

        public KnownJob Create(JobId id) => throw new NotSupportedException("An id alone makes no job.");

        private static ReadOnlySpan<char> IdOf(KnownJob job, Span<char> buffer) =>
            job.IsPacked(out PackedJob packed, out Job? itself) ? packed.IdInto(buffer) : itself.Spec.Id.Value;
    }
}
