using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Messages;
using Arcp.Runtime.Diagnostics;
using Arcp.Runtime.Jobs;

namespace Arcp.Runtime.Sessions;

/// <summary>A session's requests that concern jobs: submit, cancel, subscribe, unsubscribe.</summary>
internal sealed class JobRequests(Session session, SessionServices services)
{
    private readonly Submission _submission = new(session, services);

    /// <summary>Decides a submit and answers it; answers of one session come in the order of its submits (§7.1).</summary>
    public void Submit(FrameHeader header, JobSubmit submit)
    {
        ValueTask<SubmitDecision> deciding = _submission.DecideAsync(header, submit);
        if (session.LastAnswer.IsCompleted && deciding.IsCompletedSuccessfully)
        {
            Answer(header, deciding.Result);
        }
        else
        {
            session.LastAnswer = AnswerInOrderAsync(session.LastAnswer, header, deciding);
        }
    }

    /// <summary>Ends a job of this session (§7.4).</summary>
    public void Cancel(FrameHeader header, JobCancel cancel)
    {
        if (Find(header, cancel.JobId, out ArcpException? error) is not { } job)
        {
            Refuse(header, error!);
        }
        else if (job.Spec.SubmittedBy != session.Id)
        {
            Refuse(header, new ArcpException(ErrorCode.PermissionDenied, "Only the session that submitted a job may cancel it."));
        }
        else
        {
            // In one step with respect to the writer: job.cancelled comes before the job.error that it causes.
            session.Outbox.ActAndPost(() =>
            {
                bool applied = job.TryApply(new JobSignal.Stopped(new JobOutcome.Cancelled(cancel.Reason)));
                JobCancelled answer = applied
                    ? new JobCancelled { JobId = job.Spec.Id, Reason = cancel.Reason }
                    : new JobCancelled { JobId = job.Spec.Id, AlreadyTerminal = true, FinalStatus = job.Snapshot().State.Status };
                return ToFrame(answer, header, job);
            });
        }
    }

    /// <summary>Lets the session read a job's log (§7.6).</summary>
    public void Subscribe(FrameHeader header, JobSubscribe subscribe)
    {
        if (subscribe.FromEventSeq < 0)
        {
            Refuse(header, new ArcpException(ErrorCode.InvalidRequest, "job.subscribe: 'from_event_seq' must be at least 0."));
            return;
        }

        if (Find(header, subscribe.JobId, out ArcpException? error) is not { } job)
        {
            Refuse(header, error!);
            return;
        }

        bool wantsHistory = subscribe.History ?? subscribe.FromEventSeq is not null;
        long from = subscribe.FromEventSeq ?? 0;
        if (wantsHistory && !job.Holds(from))
        {
            Refuse(header, new ArcpException(ErrorCode.InvalidRequest, "job.subscribe: the job's first events are no longer held; ask for a higher 'from_event_seq', or for no history."));
            return;
        }

        session.Outbox.Subscribe(
            job,
            now => StartOf(now, wantsHistory, from),
            (now, start) => ToFrame(Subscribed(job, now, start < now.LogLength), header, job));
    }

    /// <summary>Ends a subscription. Harmless, whatever it names.</summary>
    public void Unsubscribe(FrameHeader header, JobUnsubscribe unsubscribe)
    {
        if ((unsubscribe.JobId ?? header.JobId) is { } jobId)
        {
            session.Outbox.Unsubscribe(jobId);
        }
    }

    /// <summary>Refuses a submit, cancel or subscribe (§12).</summary>
    public void Refuse(FrameHeader header, ArcpException error)
    {
        Log.RequestRefused(services.Logger, session.Id, error.Code.Value, error.Message);
        session.Outbox.Post(ControlFrames.Refusal(session, header, error, jobRequest: true, services.Options.RejectionFrames));
    }

    // A job that has ended still gives its terminal frame, so that every subscription ends with one.
    private static long StartOf(JobSnapshot now, bool wantsHistory, long from)
    {
        long latest = now.State.IsTerminal ? now.LogLength - 1 : now.LogLength;
        return wantsHistory ? Math.Min(from, latest) : latest;
    }

    private async Task AnswerInOrderAsync(Task before, FrameHeader header, ValueTask<SubmitDecision> deciding)
    {
        SubmitDecision decision;
        try
        {
            decision = await deciding.ConfigureAwait(false);
        }
#pragma warning disable CA1031 // Stores and provisioners are the host's code; whatever they throw refuses the submit.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Log.RequestFailed(services.Logger, session.Id, e);
            decision = new SubmitDecision.Refused(new ArcpException(ErrorCode.InternalError, "The submit could not be decided."));
        }

        await before.ConfigureAwait(false);
        Answer(header, decision);
    }

    private void Answer(FrameHeader header, SubmitDecision decision)
    {
        switch (decision)
        {
            case SubmitDecision.Refused refused:
                Refuse(header, refused.Error);
                break;
            case SubmitDecision.Accepted accepted:
                JobSpec spec = accepted.Job.Spec;
                Log.JobAccepted(services.Logger, spec.Id, spec.Principal.Name, spec.AgentName, spec.AgentVersion);
                session.Outbox.Open(accepted.Job, new ControlFrame(AcceptedFrame(header, accepted), OutlivesConnection: true));
                services.Runner.Start(accepted.Job, accepted.Work);
                break;
        }
    }

    private ReadOnlyMemory<byte> AcceptedFrame(FrameHeader header, SubmitDecision.Accepted accepted) =>
        ControlFrames.Frame<JobAccepted>(accepted.Payload, new FrameHeader
        {
            Id = MessageId.New(services.Clock),
            SessionId = session.Id,
            JobId = accepted.Job.Spec.Id,
            Trace = accepted.Job.Spec.Trace,
            RequestId = header.Id,
        });

    private JobSubscribed Subscribed(Job job, JobSnapshot now, bool replayed) => new()
    {
        JobId = job.Spec.Id,
        CurrentStatus = now.State.Status,
        Agent = session.AgentLabel(job.Spec),
        Lease = job.Spec.Lease,
        LeaseConstraints = job.Spec.LeaseConstraints,
        ParentJobId = job.Spec.ParentId,
        TraceId = job.Spec.Trace.Value,
        SubscribedFrom = now.LogLength,
        Replayed = replayed,
    };

    private ControlFrame ToFrame(ArcpMessage message, FrameHeader header, Job job) => new(
        ControlFrames.Frame(message, new FrameHeader
        {
            Id = MessageId.New(services.Clock),
            SessionId = session.Id,
            JobId = job.Spec.Id,
            Trace = job.Spec.Trace,
            RequestId = header.Id,
        }),
        OutlivesConnection: false);

    private Job? Find(FrameHeader header, JobId? named, out ArcpException? error)
    {
        error = null;
        if ((named ?? header.JobId) is not { } jobId)
        {
            error = new ArcpException(ErrorCode.InvalidRequest, "'job_id' is required, in the payload or on the envelope.");
            return null;
        }

        if (services.Jobs.TryFind(jobId, out Job? job) && job.Spec.Principal == session.Principal)
        {
            return job;
        }

        error = new ArcpException(ErrorCode.JobNotFound, "There is no such job.");
        return null;
    }
}
