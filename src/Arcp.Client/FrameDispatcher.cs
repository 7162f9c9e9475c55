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

/// <summary>Takes each frame to the job or the request that it is about. One lock guards both tables, so that an answer and its handle are one step.</summary>
/// <remarks>Nothing is awaited and no user code runs under the lock: waiters are woken asynchronously.</remarks>
internal sealed class FrameDispatcher(SessionId sessionId, long maxResultBytes, ILogger logger) : IFrameReceiver
{
    private readonly Lock _gate = new();
    private readonly PendingRequests _requests = new();
    private readonly JobTable _jobs = new();
    private SessionError? _lastUnrelated;
    private ConnectionEnd? _end;
    private ConnectionEnd? _closing;

    /// <summary>Where submits wait for their turn.</summary>
    public SubmitLane Lane { get; } = new();

    /// <summary>Makes a request known before it is sent.</summary>
    /// <exception cref="ArcpConnectionException">There is no connection any more.</exception>
    public void Add(PendingRequest request)
    {
        lock (_gate)
        {
            if ((_end ?? _closing) is { } end)
            {
                throw Lost(end, isOutcomeUnknown: false);
            }

            _requests.Add(request);
        }
    }

    /// <summary>The write loop asks whether the request is still wanted.</summary>
    public bool TryBegin(PendingRequest request)
    {
        lock (_gate)
        {
            return _end is null && _requests.TryBegin(request);
        }
    }

    /// <summary>Nobody waits for the submit any more.</summary>
    /// <returns>False when it has been answered at the same moment.</returns>
    public bool TryAbandon(PendingSubmit submit)
    {
        lock (_gate)
        {
            if (submit.Answer.IsCompleted)
            {
                return false;
            }

            _requests.Abandon(submit);
            DropHeldFrames();
            return true;
        }
    }

    /// <summary>The request is over, whatever came of it.</summary>
    public void Complete(PendingRequest request)
    {
        lock (_gate)
        {
            _requests.Complete(request);
        }
    }

    /// <summary>A handle of the job is let go.</summary>
    public void Release(JobTracker tracker)
    {
        lock (_gate)
        {
            _jobs.Release(tracker.Accepted.JobId, tracker);
        }
    }

    /// <summary>From now on no request is taken and the end of the connection is our own doing.</summary>
    /// <param name="close">The last request.</param>
    /// <returns>False when the connection has ended before.</returns>
    public bool TryBeginClose(PendingRequest close)
    {
        lock (_gate)
        {
            _closing = new ConnectionEnd("The client has been closed.");
            if (_end is not null)
            {
                return false;
            }

            _requests.Add(close);
            return true;
        }
    }

    public ConnectionEnd? OnFrame(Envelope envelope, int size)
    {
        lock (_gate)
        {
            if (_end is not null)
            {
                return null;
            }

            switch (envelope.Message)
            {
                case JobEvent or JobResult or JobCancelled:
                    OnJobFrame(envelope, size);
                    return null;
                case JobError error:
                    OnJobError(envelope, error, size);
                    return null;
                case JobAccepted accepted:
                    OnAccepted(envelope.Header, accepted);
                    return null;
                case SessionError error:
                    return OnSessionError(envelope.Header, error);
                case SessionClosed closed:
                    return new ConnectionEnd(
                        string.IsNullOrEmpty(closed.Reason) ? "The runtime has closed the session." : $"The runtime has closed the session: {closed.Reason}",
                        IsOrderly: true);
                case SessionPong:
                    return null;
                default:
                    Log.FrameIgnored(logger, sessionId, envelope.Message.GetType().Name, "It answers nothing that was asked.");
                    return null;
            }
        }
    }

    // Whoever waits for a frame that cannot be read must not wait for ever.
    public void OnUnreadable(FrameError error)
    {
        if (error.Kind is not FrameErrorKind.InvalidPayload)
        {
            return;
        }

        var failure = new JobError
        {
            Code = ErrorCode.InternalError,
            Message = $"The runtime has sent a frame that cannot be read: {error.Message}",
            Retryable = false,
        };
        lock (_gate)
        {
            switch (error.Type)
            {
                case "job.result" or "job.error" when error.Header.JobId is { } jobId && _jobs.TryGet(jobId, out JobTracker? tracker):
                    End(tracker, failure);
                    break;
                case "job.accepted" when _requests.TakeAccepted(error.Header.RequestId, error.Header.Trace, parentJobId: null, isDelegated: false) is { } submit:
                    Refuse(submit, JobTracker.ToException(failure));
                    break;
                case "job.error" or "session.error":
                    RefuseWhatIsMeant(ToRefusal(error.Type is "job.error" ? RefusalForm.JobError : RefusalForm.SessionError, failure.Code, error.Header), failure);
                    break;
                default:
                    break;
            }
        }
    }

    public void OnEnded(ConnectionEnd end)
    {
        lock (_gate)
        {
            if (_closing is not null)
            {
                end = end with { Message = _closing.Message };
            }
            else if (end.Cause is null && _lastUnrelated is { } said)
            {
                end = end with { Cause = ToException(said) };
            }

            _end = end;
            foreach (PendingRequest request in _requests.TakeAll())
            {
                request.Fail(Lost(end, request.IsSent));
            }

            _jobs.LoseAll(() => Lost(end, isOutcomeUnknown: true));
        }

        Lane.Open();
    }

    private static ArcpConnectionException Lost(ConnectionEnd end, bool isOutcomeUnknown) => new(end.Message, end.Cause, isOutcomeUnknown);

    private static ArcpException ToException(SessionError error) => new(error.Code, error.Message ?? string.Empty, error.Retryable) { Details = error.Details };

    private static Refusal ToRefusal(RefusalForm form, ErrorCode code, in FrameHeader header) => new(form, code)
    {
        RequestId = header.RequestId,
        EnvelopeId = form is RefusalForm.JobError ? header.Id : null,
        Trace = header.Trace,
        JobId = header.JobId,
    };

    private void OnAccepted(in FrameHeader header, JobAccepted accepted)
    {
        MessageId? requestId = header.RequestId ?? accepted.RequestId;
        _ = TraceContext.TryParse(accepted.TraceId, out TraceContext? trace);
        trace ??= header.Trace;
        if (_jobs.IsForeign(accepted.JobId) && requestId is null)
        {
            return; // a job that is known to be no answer: a child, or one whose refusal came first
        }

        PendingSubmit? submit = _requests.TakeAccepted(requestId, trace, accepted.ParentJobId, accepted.DelegateId is not null);
        if (submit is { IsAbandoned: false })
        {
            if (requestId is not null)
            {
                Lane.Open();
            }

            submit.Accept(Follow(accepted, trace ?? submit.Trace));
            Log.JobAccepted(logger, accepted.JobId, accepted.Agent);
        }
        else if (!_jobs.TryGet(accepted.JobId, out _))
        {
            _jobs.AddOther(accepted.JobId);
            Log.UnwantedJob(logger, accepted.JobId);
        }

        DropHeldFrames();
    }

    private JobTracker Follow(JobAccepted accepted, TraceContext trace)
    {
        // §7.2: a repeated submit gets the job of the first one; its handle shares what is known of it.
        if (!_jobs.TryGet(accepted.JobId, out JobTracker? tracker))
        {
            tracker = new JobTracker(accepted, trace, maxResultBytes);
            _jobs.Follow(accepted.JobId, tracker);
            if (_jobs.Held.TryTake(accepted.JobId, out HeldJob? held))
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

    private void OnJobFrame(Envelope envelope, int size)
    {
        JobId? jobId = envelope.Header.JobId ?? (envelope.Message as JobCancelled)?.JobId;
        if (jobId is not { } id)
        {
            Log.FrameIgnored(logger, sessionId, envelope.Message.GetType().Name, "It names no job.");
        }
        else if (_jobs.TryGet(id, out JobTracker? tracker))
        {
            Deliver(tracker, envelope.Message);
        }
        else
        {
            Hold(id, envelope, size);
        }
    }

    private void OnJobError(Envelope envelope, JobError error, int size)
    {
        Refusal refusal = ToRefusal(RefusalForm.JobError, error.Code, envelope.Header);
        if ((envelope.Header.JobId ?? error.JobId) is not { } id)
        {
            RefuseWhatIsMeant(refusal, error);
        }
        else if (_jobs.TryGet(id, out JobTracker? tracker))
        {
            if (IsTerminalOf(tracker, envelope.Header, error))
            {
                End(tracker, error);
            }
            else
            {
                RefusalScope scope = error.Code == ErrorCode.DuplicateKey ? RefusalScope.SubmitsWithKey : RefusalScope.None;
                RefuseWhatIsMeant(refusal with { Scope = scope, JobId = null }, error);
            }
        }
        else if (_jobs.Held.Contains(id))
        {
            Hold(id, envelope, size); // it has had events, so it is a job and no refusal
        }
        else if (!_jobs.IsOther(id) && RefuseWhatIsMeant(refusal with { Scope = RefusalScope.Submits, JobId = null }, error))
        {
            _jobs.AddForeign(id);
        }
    }

    // A refusal may name the job that stands in its way (DUPLICATE_KEY) or the job that a refused cancel was for; neither ends by it.
    private bool IsTerminalOf(JobTracker tracker, in FrameHeader header, JobError error)
    {
        if (tracker.Ended.IsCompleted)
        {
            return false;
        }

        if (error.Code == ErrorCode.DuplicateKey && _requests.HasKeyedSubmit)
        {
            return false;
        }

        bool saysSo = header.EventSeq is not null
            || error.Code == ErrorCode.Cancelled || error.FinalStatus == JobStatus.Cancelled || error.FinalStatus == JobStatus.TimedOut;
        return saysSo || (!_requests.IsRefusable(header.RequestId) && !_requests.IsRefusable(header.Id));
    }

    private ConnectionEnd? OnSessionError(in FrameHeader header, SessionError error)
    {
        if (error.Code == ErrorCode.Unauthenticated || error.Code == ErrorCode.HeartbeatLost || error.Code == ErrorCode.ResumeWindowExpired)
        {
            return new ConnectionEnd($"The runtime has ended the session: {error.Code}.", ToException(error), IsOrderly: true);
        }

        Refusal refusal = ToRefusal(RefusalForm.SessionError, error.Code, header) with
        {
            RequestId = header.RequestId ?? error.RequestId,
            JobId = header.JobId ?? error.JobId,
        };
        if (_requests.TakeRefused(refusal, out bool isKnown) is { } request)
        {
            Refuse(request, ToException(error));
        }
        else if (!isKnown)
        {
            _lastUnrelated = error;
            Log.UnrelatedError(logger, sessionId, error.Code, error.Message);
        }

        return null;
    }

    private bool RefuseWhatIsMeant(Refusal refusal, JobError error)
    {
        if (_requests.TakeRefused(refusal, out bool isKnown) is { } request)
        {
            Refuse(request, JobTracker.ToException(error));
            return true;
        }

        if (!isKnown)
        {
            Log.UnrelatedError(logger, sessionId, error.Code, error.Message);
        }

        return isKnown;
    }

    private void Refuse(PendingRequest request, ArcpException error)
    {
        request.Refuse(error);
        Log.RequestRefused(logger, request.Id, error.Code);
        DropHeldFrames();
    }

    private void Deliver(JobTracker tracker, ArcpMessage message)
    {
        string? problem = null;
        switch (message)
        {
            case JobEvent entry:
                problem = tracker.OnEvent(entry);
                if (entry.Body is Core.Events.DelegateEvent child && !_jobs.TryGet(child.ChildJobId, out _))
                {
                    _jobs.AddForeign(child.ChildJobId);
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

    private void End(JobTracker tracker, JobError error)
    {
        tracker.OnError(error);
        Log.JobEnded(logger, tracker.Accepted.JobId, tracker.Status);
    }

    private void Hold(JobId jobId, Envelope envelope, int size)
    {
        if (_requests.HasSubmitUnderWay && !_jobs.IsOther(jobId) && _jobs.Held.Hold(jobId, envelope, size) is { } dropped)
        {
            Log.HeldFramesDropped(logger, dropped);
        }
    }

    private void DropHeldFrames()
    {
        if (!_requests.HasSubmitUnderWay)
        {
            _jobs.Held.Clear();
        }
    }
}
