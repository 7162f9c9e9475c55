using Arcp.Client.Connections;
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

/// <summary>Takes acceptances and refusals, in all the forms that runtimes send, to the requests that they answer. Not thread-safe: the dispatcher's lock guards it.</summary>
internal sealed class AnswerRouter(PendingRequests requests, JobTable jobs, JobFrames frames, SubmitLane lane, ILogger logger)
{
    /// <summary>The session, for the log.</summary>
    public SessionId SessionId { get; set; }

    /// <summary>The last error that answered no request: when the connection ends next, it is the likely reason.</summary>
    public ArcpException? LastUnrelated { get; set; }

    /// <summary><c>job.accepted</c>.</summary>
    /// <returns>Whether it answered something.</returns>
    public bool OnAccepted(in FrameHeader header, JobAccepted accepted)
    {
        MessageId? requestId = header.RequestId ?? accepted.RequestId;
        if ((accepted.JobId ?? header.JobId) is not { } jobId)
        {
            OnUnreadable(new FrameError(FrameErrorKind.InvalidPayload, "job.accepted: 'job_id' is required.", "job.accepted", header with { RequestId = requestId }));
            return false;
        }

        _ = TraceContext.TryParse(accepted.TraceId, out TraceContext? trace);
        trace ??= header.Trace;
        if (requestId is null && (jobs.IsForeign(jobId) || (jobs.TryGet(jobId, out _) && !requests.HasKeyedSubmit)))
        {
            return jobs.TryGet(jobId, out _); // a job that is known to be no answer: a child, one whose refusal came first, or one that was accepted before
        }

        PendingSubmit? submit = requests.TakeAccepted(requestId, trace, accepted.ParentJobId, accepted.DelegateId is not null);
        bool isWanted = submit is { IsAbandoned: false };
        if (isWanted)
        {
            if (requestId is not null)
            {
                lane.Open();
            }

            JobTracker tracker = frames.Follow(jobId, trace ?? submit!.Trace, accepted, IsElsewhere(submit!, trace), submit!.KeepsResult);
            submit!.Complete(new AcceptedJob(tracker, accepted));
            Log.JobAccepted(logger, jobId, accepted.Agent);
        }
        else if (!jobs.TryGet(jobId, out _) && !jobs.IsReleased(jobId))
        {
            if (submit is null && (accepted.DelegateId is not null || accepted.ParentJobId is not null))
            {
                return OnChild(jobId, accepted);
            }

            jobs.AddOther(jobId);
            Log.UnwantedJob(logger, jobId);
        }

        frames.DropHeldFrames();
        return isWanted;
    }

    /// <summary><c>job.subscribed</c>.</summary>
    /// <returns>Whether it answered something.</returns>
    public bool OnSubscribed(in FrameHeader header, JobSubscribed subscribed)
    {
        if ((subscribed.JobId ?? header.JobId) is not { } jobId
            || requests.TakeSubscribed(header.RequestId, jobId) is not { IsAbandoned: false } request)
        {
            return false;
        }

        request.Complete(frames.Follow(request.JobId ?? jobId, request, subscribed));
        frames.DropHeldFrames();
        return true;
    }

    /// <summary><c>session.jobs</c>.</summary>
    /// <returns>Whether it answered something.</returns>
    public bool OnPage(in FrameHeader header, SessionJobs page)
    {
        PendingPage? request = requests.TakePage(header.RequestId ?? page.RequestId);
        request?.Complete(page);
        return request is not null;
    }

    /// <summary><c>job.error</c>: the end of a job, or a refusal.</summary>
    /// <returns>Whether it concerned something of ours.</returns>
    public bool OnJobError(Envelope envelope, JobError error, int size)
    {
        Refusal refusal = ToRefusal(RefusalForm.JobError, error.Code, envelope.Header);
        if ((envelope.Header.JobId ?? error.JobId) is not { } id)
        {
            return TryRefuse(refusal, JobTracker.ToException(error));
        }

        if (jobs.TryGet(id, out JobTracker? tracker))
        {
            if (IsTerminalOf(tracker, envelope.Header, error))
            {
                frames.End(tracker, error);
                return true;
            }

            RefusalScope scope = error.Code == ErrorCode.DuplicateKey ? RefusalScope.SubmitsWithKey : RefusalScope.None;
            return TryRefuse(refusal with { Scope = scope, JobId = null }, JobTracker.ToException(error));
        }

        if (jobs.Held.Contains(id) || (requests.HasSubscribe(id) && envelope.Header.EventSeq is not null))
        {
            frames.Take(id, envelope, size); // it has had events or is counted among them, so it is a job's end and no refusal
            return true;
        }

        if (requests.HasSubscribe(id))
        {
            return TryRefuse(refusal with { Scope = RefusalScope.None }, JobTracker.ToException(error));
        }

        if (!jobs.IsOther(id) && envelope.Header.EventSeq is null && TryRefuse(refusal with { Scope = RefusalScope.Submits, JobId = null }, JobTracker.ToException(error)))
        {
            jobs.AddForeign(id);
            return true;
        }

        frames.Take(id, envelope, size);
        return true;
    }

    /// <summary><c>session.error</c>: a refusal, or the end of the session.</summary>
    /// <returns>Why the connection has to end, null = it goes on; and whether the error concerned something of ours.</returns>
    public (ConnectionEnd? End, bool IsClaimed) OnSessionError(in FrameHeader header, SessionError error)
    {
        var exception = new ArcpException(error.Code, error.Message ?? string.Empty, error.Retryable) { Details = error.Details };
        if (error.Code == ErrorCode.Unauthenticated || error.Code == ErrorCode.HeartbeatLost || error.Code == ErrorCode.ResumeWindowExpired)
        {
            var end = new ConnectionEnd($"The runtime has ended the session: {error.Code}.", exception, IsOrderly: true)
            {
                IsFinal = error.Code == ErrorCode.Unauthenticated,
                CannotResume = error.Code == ErrorCode.ResumeWindowExpired,
            };
            return (end, true);
        }

        Refusal refusal = ToRefusal(RefusalForm.SessionError, error.Code, header) with
        {
            RequestId = header.RequestId ?? error.RequestId,
            JobId = header.JobId ?? error.JobId,
        };
        bool isClaimed = TryRefuse(refusal, exception);
        LastUnrelated = isClaimed ? LastUnrelated : exception;
        return (null, isClaimed);
    }

    /// <summary>A frame that cannot be read: whoever waits for it must not wait for ever.</summary>
    public void OnUnreadable(FrameError error)
    {
        var failure = new JobError
        {
            Code = ErrorCode.InternalError,
            Message = $"The runtime has sent a frame that cannot be read: {error.Message}",
            Retryable = false,
        };
        switch (error.Type)
        {
            case "job.result" or "job.error" when error.Header.JobId is { } jobId && jobs.TryGet(jobId, out JobTracker? tracker):
                frames.End(tracker, failure);
                break;
            case "job.accepted" when requests.TakeAccepted(error.Header.RequestId, error.Header.Trace, parentJobId: null, isDelegated: false) is { } submit:
                Refuse(submit, JobTracker.ToException(failure));
                break;
            case "job.subscribed" when error.Header.RequestId is { } id && requests.TakeSubscribed(id, default) is { } subscribe:
                Refuse(subscribe, JobTracker.ToException(failure));
                break;
            case "session.jobs" when requests.TakePage(error.Header.RequestId) is { } page:
                Refuse(page, JobTracker.ToException(failure));
                break;
            case "job.error" or "session.error":
                RefusalForm form = error.Type is "job.error" ? RefusalForm.JobError : RefusalForm.SessionError;
                TryRefuse(ToRefusal(form, failure.Code, error.Header), JobTracker.ToException(failure));
                break;
            default:
                break;
        }
    }

    // §10 knows no acceptance of a child; runtimes that send one all the same say with it what the parent's delegate event says.
    private bool OnChild(JobId jobId, JobAccepted accepted)
    {
        jobs.AddForeign(jobId);
        JobTracker? parent = null;
        if (accepted.ParentJobId is { } parentId && jobs.TryGet(parentId, out parent))
        {
            var child = new DelegateEvent
            {
                DelegateId = accepted.DelegateId ?? string.Empty,
                ChildJobId = jobId,
                Agent = accepted.Agent ?? string.Empty,
                LeaseRequest = accepted.Lease,
                LeaseConstraints = accepted.LeaseConstraints,
            };
            frames.FollowChild(parent, child, accepted);
        }

        return parent is not null;
    }

    // The session that has submitted a job receives its frames. That was another one when the submit was repeated in a new session,
    // or when the key was used before: then the trace is the first submit's.
    private static bool IsElsewhere(PendingSubmit submit, TraceContext? trace) =>
        submit.HasIdempotencyKey && (submit.WasSentBefore || (trace is not null && trace.TraceId != submit.Trace.TraceId));

    private static Refusal ToRefusal(RefusalForm form, ErrorCode code, in FrameHeader header) => new(form, code)
    {
        RequestId = header.RequestId,
        EnvelopeId = form is RefusalForm.JobError ? header.Id : null,
        Trace = header.Trace,
        JobId = header.JobId,
    };

    // A refusal may name the job that stands in its way (DUPLICATE_KEY) or the job that a refused cancel was for; neither ends by it.
    private bool IsTerminalOf(JobTracker tracker, in FrameHeader header, JobError error)
    {
        if (tracker.Ended.IsCompleted || (error.Code == ErrorCode.DuplicateKey && requests.HasKeyedSubmit))
        {
            return false;
        }

        bool saysSo = header.EventSeq is not null
            || error.Code == ErrorCode.Cancelled || error.FinalStatus == JobStatus.Cancelled || error.FinalStatus == JobStatus.TimedOut;
        return saysSo || (!requests.IsRefusable(header.RequestId) && !requests.IsRefusable(header.Id));
    }

    /// <returns>Whether the refusal is about a request of ours.</returns>
    private bool TryRefuse(Refusal refusal, ArcpException error)
    {
        if (requests.TakeRefused(refusal, out bool isKnown) is { } request)
        {
            Refuse(request, error);
        }
        else if (!isKnown)
        {
            Log.UnrelatedError(logger, SessionId, error.Code, error.Message);
        }

        return isKnown;
    }

    private void Refuse(PendingRequest request, ArcpException error)
    {
        request.Fail(error);
        Log.RequestRefused(logger, request.Id, error.Code);
        frames.DropHeldFrames();
    }
}
