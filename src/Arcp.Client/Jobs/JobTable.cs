using System.Diagnostics.CodeAnalysis;
using Arcp.Client.Collections;
using Arcp.Core.Ids;

namespace Arcp.Client.Jobs;

/// <summary>Which jobs the client follows, and which it knows but does not follow. Not thread-safe: the dispatcher's lock guards it.</summary>
internal sealed class JobTable
{
    private const int MaxOthers = 16 * 1024;

    private readonly Dictionary<JobId, JobTracker> _followed = [];
    private readonly BoundedSet<JobId> _others = new(MaxOthers);
    private readonly BoundedSet<JobId> _foreign = new(MaxOthers);
    private BoundedSet<JobId> _read = new(MaxOthers);

    /// <summary>Frames that came before the acceptance of their job.</summary>
    public HeldFrames Held { get; } = new();

    public bool TryGet(JobId jobId, [NotNullWhen(true)] out JobTracker? tracker) => _followed.TryGetValue(jobId, out tracker);

    /// <summary>Whether the job is known and nobody follows it: its handle was let go, its submitter gave up, or it is foreign.</summary>
    public bool IsOther(JobId jobId) => _others.Contains(jobId) || IsForeign(jobId);

    /// <summary>Whether nobody wants to hear of the job: its handle was let go, or its submitter gave up.</summary>
    public bool IsReleased(JobId jobId) => _others.Contains(jobId);

    /// <summary>Whether the job is known to be no answer to a submit: a child, or an id that came with a refusal.</summary>
    public bool IsForeign(JobId jobId) => _foreign.Contains(jobId);

    /// <summary>Whether the session may still receive the job's frames although nobody has counted them: its handle was let go, or its submitter or subscriber gave up.</summary>
    public bool MayBeRead(JobId jobId) => _read.Contains(jobId);

    /// <summary>Whether the job is followed and awaits its own subscription.</summary>
    /// <param name="jobId">The job.</param>
    /// <param name="otherThan">The job for which a subscription is about to be sent; null = it is for none that is followed.</param>
    public bool Awaits(JobId jobId, JobTracker? otherThan) => TryGet(jobId, out JobTracker? tracker) && tracker != otherThan && tracker.NeedsSubscription;

    /// <summary>Remembers that the session may receive frames of a job that nobody has counted or will count.</summary>
    public void AddRead(JobId jobId)
    {
        _read.Add(jobId);
        if (TryGet(jobId, out JobTracker? tracker))
        {
            tracker.IsUncounted = true;
        }
    }

    /// <summary>A new session begins: it receives nothing yet.</summary>
    public void StartOver()
    {
        _read = new BoundedSet<JobId>(MaxOthers);
        Held.TakeAll(_ => false);
        foreach (JobTracker tracker in Open)
        {
            tracker.AwaitSubscription();
        }
    }

    /// <summary>Remembers a job that answers no submit.</summary>
    public void AddForeign(JobId jobId) => _foreign.Add(jobId);

    /// <summary>Remembers a job that nobody follows, so that its frames are not taken for something else.</summary>
    public void AddOther(JobId jobId)
    {
        _others.Add(jobId);
        _read.Add(jobId);
        Held.TryTake(jobId, out _);
    }

    public void Follow(JobId jobId, JobTracker tracker)
    {
        tracker.IsUncounted = MayBeRead(jobId);
        _followed.Add(jobId, tracker);
    }

    /// <summary>How many jobs are followed.</summary>
    public int Count => _followed.Count;

    /// <summary>The jobs that are followed and have not ended.</summary>
    public IEnumerable<JobTracker> Open => _followed.Values.Where(tracker => !tracker.Ended.IsCompleted);

    /// <summary>Whether the session receives the frames of a job that may still announce children, so that a frame of an unknown job may be a child's (§10).</summary>
    public bool MayHaveChildren => Open.Any(tracker => tracker.ReceivesChildren);

    /// <summary>Follows a child job for as long as its parent is followed, unless too many are.</summary>
    /// <returns>Whether it is followed.</returns>
    public bool TryFollowChild(JobTracker parent, JobTracker child)
    {
        JobFamily family = child.Family!;
        if (family.IsFull && !TryReleaseOldest(family))
        {
            AddOther(child.JobId);
            return false;
        }

        family.Add(parent, child);
        Follow(child.JobId, child);
        return true;
    }

    /// <summary>Lets go of children that have ended, oldest first, until an event has room among those that are kept. Are there none, the event's own job will keep less.</summary>
    public void MakeRoom(JobFamily family, int size)
    {
        while (!family.Memory.HasRoom(size) && TryReleaseOldest(family))
        {
        }
    }

    /// <summary>Counts one handle less; without any the job is no longer followed, nor are its children on its behalf.</summary>
    /// <returns>The jobs that are no longer followed.</returns>
    public IReadOnlyList<JobTracker> Release(JobTracker tracker)
    {
        if (--tracker.Handles > 0 || !_followed.Remove(tracker.JobId))
        {
            return [];
        }

        _others.Add(tracker.JobId);
        _read.Add(tracker.JobId);
        tracker.StopWaiting();
        tracker.Events.LeaveShared();
        return [tracker, .. (tracker.Family?.RemoveChildrenOf(tracker) ?? []).SelectMany(Release)];
    }

    /// <summary>Tells all followed jobs that nothing more will be seen of them.</summary>
    public void LoseAll(Func<Exception> failure)
    {
        foreach (JobTracker tracker in _followed.Values)
        {
            tracker.Lose(failure);
        }

        Held.TakeAll(_ => false);
    }

    private bool TryReleaseOldest(JobFamily family)
    {
        if (family.Oldest is not { } oldest)
        {
            return false;
        }

        family.Remove(oldest);
        Release(oldest);
        return true;
    }
}
