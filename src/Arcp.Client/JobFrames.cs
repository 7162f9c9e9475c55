using Arcp.Client.Diagnostics;
using Arcp.Client.Jobs;
using Arcp.Client.Requests;
using Arcp.Core;
using Arcp.Core.Events;
using Arcp.Core.Ids;
using Arcp.Core.Messages;
using Arcp.Core.Serialization;
using Microsoft.Extensions.Logging;

namespace Arcp.Client;

/// <summary>Takes frames of jobs to the jobs that are followed, and keeps those that come before their acceptance. Not thread-safe: the dispatcher's lock guards it.</summary>
internal sealed class JobFrames(JobTable jobs, PendingRequests requests, TrackerLimits limits, UnclaimedMessages unclaimed, ILogger logger)
{
    private readonly List<EventLog> _awaited = [];

    /// <summary>A job was accepted for one of our submits: from now on it is followed by one handle more.</summary>
    /// <param name="jobId">The job.</param>
    /// <param name="trace">Its trace.</param>
    /// <param name="accepted">What the runtime says of it.</param>
    /// <param name="isElsewhere">Whether its frames may go to another session, because it was submitted before.</param>
    /// <param name="keepsResult">Whether a streamed result is put together.</param>
    public JobTracker Follow(JobId jobId, TraceContext trace, JobAccepted accepted, bool isElsewhere, bool keepsResult)
    {
        // §7.2: a repeated submit gets the job of the first one; its handle shares what is known of it.
        if (!jobs.TryGet(jobId, out JobTracker? tracker))
        {
            tracker = new JobTracker(jobId, trace, limits, keepsResult);
            if (isElsewhere || jobs.MayBeRead(jobId))
            {
                tracker.AwaitSubscription(); // what was sent of the job before has gone by
                tracker.MayBeOwn = true;
                if (requests.HasSubscribe(jobId))
                {
                    jobs.AddRead(jobId); // the application's subscription has overtaken the job's own
                }
            }

            tracker.Grants.Set(accepted.Credentials, accepted.Budget, asOf: 0);
            jobs.Follow(jobId, tracker);
            DeliverHeld(tracker);
        }

        tracker.Handles++;
        return tracker;
    }

    /// <summary>A job was subscribed to: from now on it is followed by one handle more, or goes on in the new session.</summary>
    public Observation Follow(JobId jobId, PendingSubscribe request, JobSubscribed subscribed)
    {
        bool isRepeated = request.IsRepeated || request.Restored is { MayBeOwn: true };
        var start = StreamStart.Of(request.After, subscribed.SubscribedFrom, subscribed.Replayed, isRepeated, jobs.MayBeRead(jobId));
        Observation observation;
        if (jobs.TryGet(jobId, out JobTracker? tracker))
        {
            if (tracker.NeedsSubscription)
            {
                // Should the application's subscription have overtaken the job's own, the session reads the job from there.
                tracker.GoOn(start, mayHaveBegun: tracker == request.Restored);
            }

            // The session reads the job already, so nothing comes twice. Where the places are not known, all that is there is shown.
            observation = tracker.IsPositionKnown || request.After is null
                ? new Observation(tracker, subscribed, request.After ?? tracker.Position, IsPartial: false)
                : new Observation(tracker, subscribed, After: 0, IsPartial: true);
        }
        else if (request.Restored is { } released)
        {
            return new Observation(released, subscribed, start.Above, start.IsPartial); // its last handle was let go meanwhile
        }
        else
        {
            _ = TraceContext.TryParse(subscribed.TraceId, out TraceContext? trace);
            tracker = new JobTracker(jobId, trace, limits, request.KeepsResult);
            tracker.Begin(start);
            SetGrants(tracker, subscribed);
            jobs.Follow(jobId, tracker);
            DeliverHeld(tracker, start.Held);
            observation = new Observation(tracker, subscribed, start.Above, start.IsPartial);
        }

        SetGrants(tracker, subscribed);
        if (subscribed.CurrentStatus is { } status)
        {
            tracker.OnStatus(status);
        }

        if (request.Restored is null)
        {
            tracker.Handles++;
        }

        return observation;
    }

    /// <summary>Takes a frame to its job, if that is followed, or holds it.</summary>
    public void Take(JobId jobId, Envelope envelope, int size)
    {
        if (jobs.TryGet(jobId, out JobTracker? tracker))
        {
            Deliver(tracker, envelope.Message, size);
        }
        else if (requests.HasSubscribe(jobId) || (MayBecomeKnown && !jobs.IsReleased(jobId)))
        {
            if (jobs.Held.Hold(jobId, envelope, size) is { } dropped)
            {
                jobs.AddRead(dropped);
                Log.HeldFramesDropped(logger, dropped);
            }
        }
        else if (!jobs.IsReleased(jobId))
        {
            PassBy(envelope);
        }
        else if (envelope.Message is JobEvent { Body: DelegateEvent child } && !jobs.TryGet(child.ChildJobId, out _))
        {
            jobs.AddOther(child.ChildJobId); // whoever has let go of the parent does not want its children either
        }
    }

    /// <summary>A job has announced a child (§10). The session that has submitted the job receives the child's frames: they are kept for who asks for them.</summary>
    /// <param name="parent">The job.</param>
    /// <param name="child">What is known of its child.</param>
    /// <param name="accepted">What an acceptance of its own says of it; only some runtimes send one.</param>
    public void FollowChild(JobTracker parent, DelegateEvent child, JobAccepted? accepted = null)
    {
        jobs.AddForeign(child.ChildJobId);
        parent.Children.Add(child);
        if (!parent.ReceivesChildren || jobs.TryGet(child.ChildJobId, out _))
        {
            return;
        }

        parent.Family ??= new JobFamily(limits.MaxChildren, limits.Events.MaxBytes);
        var tracker = new JobTracker(child.ChildJobId, parent.Trace, limits, keepsResult: false, parent.Family);
        tracker.Grants.Set(accepted?.Credentials, accepted?.Budget ?? LeaseBudget.Of(child.LeaseRequest), asOf: 0);
        if (jobs.TryFollowChild(parent, tracker))
        {
            DeliverHeld(tracker);
        }
        else
        {
            Log.ChildNotFollowed(logger, child.ChildJobId, parent.JobId, limits.MaxChildren);
        }
    }

    /// <summary>The job has ended without success.</summary>
    public void End(JobTracker tracker, JobError error)
    {
        tracker.OnError(error);
        Log.JobEnded(logger, tracker.JobId, tracker.Status);
        DropHeldFrames();
    }

    /// <summary>Wakes those who wait for events that have come since the last call: once for all that were at hand, so that a reader wakes up for many.</summary>
    public void WakeReaders()
    {
        foreach (EventLog log in _awaited)
        {
            log.Wake();
        }

        _awaited.Clear();
    }

    /// <summary>Gives up held frames when nothing can be on the way that makes their jobs known.</summary>
    public void DropHeldFrames()
    {
        if (!jobs.Held.IsEmpty && !MayBecomeKnown)
        {
            jobs.Held.TakeAll(requests.HasSubscribe).ForEach(PassBy);
        }
    }

    // Its acceptance, or its parent's announcement.
    private bool MayBecomeKnown => requests.HasSubmitUnderWay || jobs.MayHaveChildren;

    // Should the job become known after all, what comes then is from somewhere in its log.
    private void PassBy(Envelope envelope)
    {
        if (envelope.Header.JobId is { } jobId)
        {
            jobs.AddRead(jobId);
        }

        unclaimed.Add(envelope);
    }

    private static void SetGrants(JobTracker tracker, JobSubscribed subscribed) =>
        tracker.Grants.Set(subscribed.Credentials, subscribed.Budget, subscribed.SubscribedFrom ?? 0);

    private void DeliverHeld(JobTracker tracker, HeldPart part = HeldPart.All)
    {
        if (jobs.Held.TryTake(tracker.JobId, out HeldJob? held) && part is not HeldPart.None)
        {
            held.Frames.FindAll(frame => part is HeldPart.All || frame.Envelope.Message is not JobEvent).ForEach(frame => Deliver(tracker, frame.Envelope.Message, frame.Size));
            if (held.IsTruncated)
            {
                tracker.Lose(() => new ArcpConnectionException("Frames of the job came before it was known, more than are held.", null, isOutcomeUnknown: true));
            }
        }
    }

    private void Deliver(JobTracker tracker, ArcpMessage message, int size)
    {
        string? problem = null;
        switch (message)
        {
            case JobEvent entry:
                if (tracker is { IsChild: true, Family: { } family })
                {
                    jobs.MakeRoom(family, size);
                }

                problem = tracker.OnEvent(entry, size);
                if (tracker.Events.IsWakeDue && !_awaited.Contains(tracker.Events))
                {
                    _awaited.Add(tracker.Events);
                }

                if (entry.Body is DelegateEvent child)
                {
                    FollowChild(tracker, child);
                }

                break;
            case JobResult result:
                problem = tracker.OnResult(result);
                Log.JobEnded(logger, tracker.JobId, tracker.Status);
                DropHeldFrames();
                break;
            case JobError error:
                End(tracker, error);
                break;
            default:
                break; // §7.4: job.cancelled announces the terminal, which alone ends the job
        }

        if (problem is not null)
        {
            Log.BadResult(logger, tracker.JobId, problem);
        }
    }
}
