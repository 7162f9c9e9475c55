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
    /// <summary>A job was accepted for one of our submits: from now on it is followed by one handle more.</summary>
    /// <param name="jobId">The job.</param>
    /// <param name="trace">Its trace.</param>
    /// <param name="isElsewhere">Whether its frames may go to another session, because it was submitted before.</param>
    public JobTracker Follow(JobId jobId, TraceContext trace, bool isElsewhere)
    {
        // §7.2: a repeated submit gets the job of the first one; its handle shares what is known of it.
        if (!jobs.TryGet(jobId, out JobTracker? tracker))
        {
            tracker = new JobTracker(jobId, trace, limits) { NeedsSubscription = isElsewhere };
            Add(tracker);
        }

        tracker.Handles++;
        return tracker;
    }

    /// <summary>A job was subscribed to: from now on it is followed by one handle more, or goes on in the new session.</summary>
    public Observation Follow(JobId jobId, PendingSubscribe request, JobSubscribed subscribed)
    {
        // §7.6: history begins above what was asked for, and at the end of the log at the latest. Without it events begin there.
        bool hasHistory = request.After is not null && (subscribed.Replayed ?? true);
        bool missesNothing = request.After is { } wanted && wanted >= subscribed.SubscribedFrom;
        long after = hasHistory || missesNothing
            ? Math.Min(request.After!.Value, subscribed.SubscribedFrom ?? long.MaxValue)
            : subscribed.SubscribedFrom ?? 0;
        if (jobs.TryGet(jobId, out JobTracker? tracker))
        {
            if (tracker == request.Restored)
            {
                tracker.NeedsSubscription = false;
                tracker.IsSubscribed = true;
                if (request.After is null)
                {
                    tracker.Position = after; // what is between is missing
                }
                else if (hasHistory)
                {
                    tracker.GoOnAbove(after);
                }
            }
            else if (tracker is { NeedsSubscription: true, IsPositionKnown: true } && (hasHistory || missesNothing))
            {
                // The handle's own subscription is still to come, and will bring nothing: the session reads the job from here on.
                tracker.NeedsSubscription = false;
                tracker.IsSubscribed = true;
                tracker.GoOnAbove(after);
            }
            else
            {
                after = request.After ?? tracker.Position; // the session reads the job already; nothing comes twice
            }
        }
        else if (request.Restored is null)
        {
            _ = TraceContext.TryParse(subscribed.TraceId, out TraceContext? trace);
            tracker = new JobTracker(jobId, trace, limits)
            {
                Position = after,
                IsPositionKnown = hasHistory || missesNothing || (request.After is null && subscribed.SubscribedFrom is not null),
                IsSubscribed = true,
            };
            Add(tracker);
        }
        else
        {
            tracker = request.Restored; // its last handle was let go meanwhile
            return new Observation(tracker, subscribed, after);
        }

        if (subscribed.CurrentStatus is { } status)
        {
            tracker.OnStatus(status);
        }

        if (request.Restored is null)
        {
            tracker.Handles++;
        }

        return new Observation(tracker, subscribed, after);
    }

    /// <summary>Takes a frame to its job, if that is followed, or holds it.</summary>
    public void Take(JobId jobId, Envelope envelope, int size)
    {
        if (jobs.TryGet(jobId, out JobTracker? tracker))
        {
            Deliver(tracker, envelope.Message, size);
        }
        else if (requests.HasSubscribe(jobId) || (requests.HasSubmitUnderWay && !jobs.IsOther(jobId)))
        {
            if (jobs.Held.Hold(jobId, envelope, size) is { } dropped)
            {
                Log.HeldFramesDropped(logger, dropped);
            }
        }
        else if (!jobs.IsReleased(jobId))
        {
            unclaimed.Add(envelope);
        }
    }

    /// <summary>The job has ended without success.</summary>
    public void End(JobTracker tracker, JobError error)
    {
        tracker.OnError(error);
        Log.JobEnded(logger, tracker.JobId, tracker.Status);
    }

    /// <summary>Gives up held frames when no acceptance can be on the way.</summary>
    public void DropHeldFrames()
    {
        if (!requests.HasSubmitUnderWay)
        {
            jobs.Held.TakeAll(requests.HasSubscribe).ForEach(unclaimed.Add);
        }
    }

    private void Add(JobTracker tracker)
    {
        jobs.Follow(tracker.JobId, tracker);
        if (jobs.Held.TryTake(tracker.JobId, out HeldJob? held))
        {
            held.Frames.ForEach(frame => Deliver(tracker, frame.Envelope.Message, frame.Size));
            if (held.IsTruncated)
            {
                tracker.Lose(() => new ArcpConnectionException("Frames of the job came before its acceptance, more than are held.", null, isOutcomeUnknown: true));
            }
        }
    }

    private void Deliver(JobTracker tracker, ArcpMessage message, int size)
    {
        string? problem = null;
        switch (message)
        {
            case JobEvent entry:
                problem = tracker.OnEvent(entry, size);
                if (entry.Body is DelegateEvent child && !jobs.TryGet(child.ChildJobId, out _))
                {
                    jobs.AddForeign(child.ChildJobId);
                }

                break;
            case JobResult result:
                problem = tracker.OnResult(result);
                Log.JobEnded(logger, tracker.JobId, tracker.Status);
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
