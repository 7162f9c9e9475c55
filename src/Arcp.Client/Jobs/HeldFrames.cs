using System.Diagnostics.CodeAnalysis;
using Arcp.Core.Ids;
using Arcp.Core.Serialization;

namespace Arcp.Client.Jobs;

/// <summary>Keeps frames of jobs that nobody knows yet while a submit is pending or a job runs that may have children: what makes them known may be on the way. Bounded. Not thread-safe.</summary>
internal sealed class HeldFrames
{
    public const int MaxFrames = 1024;
    public const int MaxBytes = 4 * 1024 * 1024;

    private readonly OrderedDictionary<JobId, HeldJob> _jobs = [];
    private int _frames;
    private long _bytes;

    public bool IsEmpty => _jobs.Count == 0;

    public bool Contains(JobId jobId) => _jobs.ContainsKey(jobId);

    /// <summary>Keeps a frame.</summary>
    /// <returns>The job whose frames had to be dropped for it; null = none.</returns>
    public JobId? Hold(JobId jobId, Envelope envelope, int size)
    {
        if (!_jobs.TryGetValue(jobId, out HeldJob? job))
        {
            _jobs.Add(jobId, job = new HeldJob());
        }

        if (!job.IsTruncated)
        {
            job.Frames.Add((envelope, size));
            job.Bytes += size;
            _frames++;
            _bytes += size;
        }

        return _frames > MaxFrames || _bytes > MaxBytes || _jobs.Count > MaxFrames ? DropOldest() : null;
    }

    /// <summary>Hands out what is held of a job.</summary>
    public bool TryTake(JobId jobId, [NotNullWhen(true)] out HeldJob? job)
    {
        if (!_jobs.Remove(jobId, out job))
        {
            return false;
        }

        _frames -= job.Frames.Count;
        _bytes -= job.Bytes;
        return true;
    }

    /// <summary>Hands out all that is held, but for some jobs.</summary>
    public List<Envelope> TakeAll(Func<JobId, bool> isKept)
    {
        var taken = new List<Envelope>();
        foreach (JobId jobId in _jobs.Keys.Where(jobId => !isKept(jobId)).ToArray())
        {
            if (TryTake(jobId, out HeldJob? job))
            {
                taken.AddRange(job.Frames.Select(frame => frame.Envelope));
            }
        }

        return taken;
    }

    // The job stays known as truncated, so that its handle, should there be one, does not pretend to be whole.
    private JobId DropOldest()
    {
        (JobId jobId, HeldJob job) = _jobs.FirstOrDefault(entry => !entry.Value.IsTruncated, _jobs.GetAt(0));
        _frames -= job.Frames.Count;
        _bytes -= job.Bytes;
        job.Frames.Clear();
        job.Bytes = 0;
        job.IsTruncated = true;
        if (_jobs.Count > MaxFrames)
        {
            _jobs.RemoveAt(0);
        }

        return jobId;
    }
}

/// <summary>What is held of one job.</summary>
internal sealed class HeldJob
{
    public List<(Envelope Envelope, int Size)> Frames { get; } = [];

    public long Bytes { get; set; }

    /// <summary>Whether frames were dropped.</summary>
    public bool IsTruncated { get; set; }
}
