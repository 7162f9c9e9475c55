using Arcp.Client.Diagnostics;
using Arcp.Client.Jobs;
using Arcp.Client.Requests;
using Arcp.Core.Events;
using Arcp.Core.Ids;
using Arcp.Core.Messages;
using Arcp.Core.Serialization;
using Arcp.Core;
using Microsoft.Extensions.Logging;

namespace Arcp.Client;

/// <summary>Takes frames of jobs to the jobs that are followed, and keeps those that come before their acceptance. Not thread-safe: the dispatcher's lock guards it.</summary>
internal sealed class JobFrames(JobTable jobs, PendingRequests requests, long maxResultBytes, ILogger logger)
{
    /// <summary>A job was accepted for one of our submits: from now on it is followed by one handle more.</summary>
    public JobTracker Follow(JobAccepted accepted, TraceContext trace)
    {
        // §7.2: a repeated submit gets the job of the first one; its handle shares what is known of it.
        if (!jobs.TryGet(accepted.JobId, out JobTracker? tracker))
        {
            tracker = new JobTracker(accepted, trace, maxResultBytes);
            jobs.Follow(accepted.JobId, tracker);
            if (jobs.Held.TryTake(accepted.JobId, out HeldJob? held))
            {
                held.Frames.ForEach(envelope => Deliver(tracker, envelope.Message));
                if (held.IsTruncated)
                {
                    tracker.Lose(() => new ArcpConnectionException("Frames of the job came before its acceptance, more than are held.", null, isOutcomeUnknown: true));
                }
            }
        }

        tracker.Handles++;
        return tracker;
    }

    /// <summary>Takes a frame to its job, if that is followed, or holds it.</summary>
    public void Take(JobId jobId, Envelope envelope, int size)
    {
        if (jobs.TryGet(jobId, out JobTracker? tracker))
        {
            Deliver(tracker, envelope.Message);
        }
        else if (requests.HasSubmitUnderWay && !jobs.IsOther(jobId) && jobs.Held.Hold(jobId, envelope, size) is { } dropped)
        {
            Log.HeldFramesDropped(logger, dropped);
        }
    }

    /// <summary>The job has ended without success.</summary>
    public void End(JobTracker tracker, JobError error)
    {
        tracker.OnError(error);
        Log.JobEnded(logger, tracker.Accepted.JobId, tracker.Status);
    }

    /// <summary>Forgets held frames when no acceptance can be on the way.</summary>
    public void DropHeldFrames()
    {
        if (!requests.HasSubmitUnderWay)
        {
            jobs.Held.Clear();
        }
    }

    private void Deliver(JobTracker tracker, ArcpMessage message)
    {
        string? problem = null;
        switch (message)
        {
            case JobEvent entry:
                problem = tracker.OnEvent(entry);
                if (entry.Body is DelegateEvent child && !jobs.TryGet(child.ChildJobId, out _))
                {
                    jobs.AddForeign(child.ChildJobId);
                }

                break;
            case JobResult result:
                problem = tracker.OnResult(result);
                Log.JobEnded(logger, tracker.Accepted.JobId, tracker.Status);
                break;
            case JobError error:
                End(tracker, error);
                break;
            default:
                break; // §7.4: job.cancelled announces the terminal, which alone ends the job
        }

        if (problem is not null)
        {
            Log.BadResult(logger, tracker.Accepted.JobId, problem);
        }
    }
}
