using Arcp.Client.Connections;
using Arcp.Client.Diagnostics;
using Arcp.Client.Jobs;
using Arcp.Client.Requests;
using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Messages;
using Arcp.Core.Serialization;
using Microsoft.Extensions.Logging;

namespace Arcp.Client;

/// <summary>Takes acceptances and refusals, in all the forms that runtimes send, to the requests that they answer. Not thread-safe: the dispatcher's lock guards it.</summary>
internal sealed class Answers(PendingRequests requests, JobTable jobs, JobFrames frames, SubmitLane lane, SessionId sessionId, ILogger logger)
{
    /// <summary>The last error that answered no request: when the connection ends next, it is the likely reason.</summary>
    public ArcpException? LastUnrelated { get; private set; }

    /// <summary><c>job.accepted</c>.</summary>
    public void OnAccepted(in FrameHeader header, JobAccepted accepted)
    {
        MessageId? requestId = header.RequestId ?? accepted.RequestId;
        _ = TraceContext.TryParse(accepted.TraceId, out TraceContext? trace);
        trace ??= header.Trace;
        if (jobs.IsForeign(accepted.JobId) && requestId is null)
        {
            return; // a job that is known to be no answer: a child, or one whose refusal came first
        }

        PendingSubmit? submit = requests.TakeAccepted(requestId, trace, accepted.ParentJobId, accepted.DelegateId is not null);
        if (submit is { IsAbandoned: false })
        {
            if (requestId is not null)
            {
                lane.Open();
            }

            submit.Accept(frames.Follow(accepted, trace ?? submit.Trace));
            Log.JobAccepted(logger, accepted.JobId, accepted.Agent);
        }
        else if (!jobs.TryGet(accepted.JobId, out _))
        {
            jobs.AddOther(accepted.JobId);
            Log.UnwantedJob(logger, accepted.JobId);
        }

        frames.DropHeldFrames();
    }

    /// <summary><c>job.error</c>: the end of a job, or a refusal.</summary>
    public void OnJobError(Envelope envelope, JobError error, int size)
    {
        Refusal refusal = ToRefusal(RefusalForm.JobError, error.Code, envelope.Header);
        if ((envelope.Header.JobId ?? error.JobId) is not { } id)
        {
            TryRefuse(refusal, JobTracker.ToException(error));
        }
        else if (jobs.TryGet(id, out JobTracker? tracker))
        {
            if (IsTerminalOf(tracker, envelope.Header, error))
            {
                frames.End(tracker, error);
            }
            else
            {
                RefusalScope scope = error.Code == ErrorCode.DuplicateKey ? RefusalScope.SubmitsWithKey : RefusalScope.None;
                TryRefuse(refusal with { Scope = scope, JobId = null }, JobTracker.ToException(error));
            }
        }
        else if (jobs.Held.Contains(id))
        {
            frames.Take(id, envelope, size); // it has had events, so it is a job and no refusal
        }
        else if (!jobs.IsOther(id) && TryRefuse(refusal with { Scope = RefusalScope.Submits, JobId = null }, JobTracker.ToException(error)))
        {
            jobs.AddForeign(id);
        }
    }

    /// <summary><c>session.error</c>: a refusal, or the end of the session.</summary>
    /// <returns>Why the connection has to end; null = it goes on.</returns>
    public ConnectionEnd? OnSessionError(in FrameHeader header, SessionError error)
    {
        var exception = new ArcpException(error.Code, error.Message ?? string.Empty, error.Retryable) { Details = error.Details };
        if (error.Code == ErrorCode.Unauthenticated || error.Code == ErrorCode.HeartbeatLost || error.Code == ErrorCode.ResumeWindowExpired)
        {
            return new ConnectionEnd($"The runtime has ended the session: {error.Code}.", exception, IsOrderly: true);
        }

        Refusal refusal = ToRefusal(RefusalForm.SessionError, error.Code, header) with
        {
            RequestId = header.RequestId ?? error.RequestId,
            JobId = header.JobId ?? error.JobId,
        };
        if (!TryRefuse(refusal, exception))
        {
            LastUnrelated = exception;
        }

        return null;
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
            case "job.error" or "session.error":
                RefusalForm form = error.Type is "job.error" ? RefusalForm.JobError : RefusalForm.SessionError;
                TryRefuse(ToRefusal(form, failure.Code, error.Header), JobTracker.ToException(failure));
                break;
            default:
                break;
        }
    }

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
            Log.UnrelatedError(logger, sessionId, error.Code, error.Message);
        }

        return isKnown;
    }

    private void Refuse(PendingRequest request, ArcpException error)
    {
        request.Refuse(error);
        Log.RequestRefused(logger, request.Id, error.Code);
        frames.DropHeldFrames();
    }
}
