using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Messages;
using Arcp.Core.Serialization;
using Arcp.Runtime.Diagnostics;
using Arcp.Runtime.Jobs;

namespace Arcp.Runtime.Sessions;

/// <summary>A session's requests that concern jobs: submit, cancel, subscribe, unsubscribe.</summary>
internal sealed class JobRequests(Session session, SessionServices services)
{
    private readonly Submission _submission = new(session, services);

    /// <summary>Decides a submit and answers it; answers of one session come in the order of its submits (§7.1). Jobs start when the caller says so, see <see cref="JobRunner.StartHeld"/>.</summary>
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
    /// <exception cref="ArcpException">It is refused.</exception>
    public void Cancel(FrameHeader header, JobCancel cancel)
    {
        (Job job, JobVisibility visibility) = Find(header, cancel.JobId);
        if (visibility is not JobVisibility.Observable)
        {
            throw new ArcpException(ErrorCode.JobNotFound, "There is no such job.");
        }

        if (job.Spec.SubmittedBy != session.Id)
        {
            throw new ArcpException(ErrorCode.PermissionDenied, "Only the session that submitted a job may cancel it.");
        }

        var outcome = new JobOutcome.Cancellation(cancel.Reason);
        TimeSpan grace = services.Options.CancelGrace;
        JobSignal signal = grace == TimeSpan.Zero ? new JobSignal.Stopped(outcome) : new JobSignal.CancelAsked(outcome);
        bool applied = false;
        JobState? state = null;

        // In one step with respect to the writer: job.cancelled comes before the job.error that it causes.
        session.Outbox.ActAndPost(() =>
        {
            applied = job.TryTransition(signal, out state);
            JobCancelled answer = !applied && state.Decision is { } decision
                ? new JobCancelled { JobId = job.Spec.Id, AlreadyTerminal = true, FinalStatus = decision.Status }
                : new JobCancelled { JobId = job.Spec.Id, Reason = cancel.Reason };
            return ToFrame(answer, header, job);
        });
        if (applied && state!.Decision is not null)
        {
            job.CompleteEnd();
        }
        else if (applied)
        {
            _ = job.RequestStop();
            services.Deadlines.Schedule(grace, () => job.TryApply(new JobSignal.Stopped(outcome)));
        }
    }

    /// <summary>Lets the session read a job's log (§7.6).</summary>
    /// <exception cref="ArcpException">It is refused.</exception>
    public void Subscribe(FrameHeader header, JobSubscribe subscribe)
    {
        if (subscribe.FromEventSeq < 0)
        {
            throw new ArcpException(ErrorCode.InvalidRequest, "job.subscribe: 'from_event_seq' must be at least 0.");
        }

        (Job job, JobVisibility visibility) = Find(header, subscribe.JobId);
        if (visibility is not JobVisibility.Observable)
        {
            throw new ArcpException(ErrorCode.PermissionDenied, "This job belongs to another principal.");
        }

        bool wantsHistory = subscribe.History ?? subscribe.FromEventSeq is not null;
        long from = subscribe.FromEventSeq ?? 0;
        if (wantsHistory && !job.Feed.Holds(from))
        {
            throw new ArcpException(ErrorCode.InvalidRequest, "job.subscribe: the job's first events are no longer held; ask for a higher 'from_event_seq', or for no history.");
        }

        bool opened = session.Outbox.TrySubscribe(
            job,
            services.Options.MaxSubscriptionsPerSession,
            now => StartOf(now, wantsHistory, from),
            (now, start) => ToFrame(Subscribed(job, now, start < now.LogLength), header, job));
        if (!opened)
        {
            throw new ArcpException(
                ErrorCode.InternalError,
                $"The limit of {services.Options.MaxSubscriptionsPerSession} subscriptions per session is reached; try again when one has ended.",
                retryable: true);
        }
    }

    /// <summary>Ends a subscription. Harmless, whatever it names.</summary>
    public void Unsubscribe(FrameHeader header, JobUnsubscribe unsubscribe)
    {
        if ((unsubscribe.JobId ?? header.JobId) is { } jobId)
        {
            session.Outbox.Unsubscribe(jobId);
        }
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
            decision = new SubmitDecision.Rejected(new ArcpException(ErrorCode.InternalError, "The submit could not be decided."));
        }

        await before.ConfigureAwait(false);
        Answer(header, decision);
        services.Runner.StartHeld();
    }

    private void Answer(FrameHeader header, SubmitDecision decision)
    {
        switch (decision)
        {
            case SubmitDecision.Rejected refused:
                Log.RequestRefused(services.Logger, session.Id, refused.Error.Code.Value, refused.Error.Message);
                session.Outbox.Post(ControlFrames.Refusal(session, header, refused.Error, jobRequest: true, services.Options.RejectionFrames));
                break;
            case SubmitDecision.NewJob accepted:
                JobSpec spec = accepted.Job.Spec;
                Log.JobAccepted(services.Logger, spec.Id, spec.Principal.Name, spec.Agent.Name, spec.Agent.Version);
                session.Outbox.Open(accepted.Job, new ControlFrame(accepted.Frame, OutlivesConnection: true) { IsCommitted = true, UntilReceived = true });
                services.Runner.StartSoon(accepted.Job, accepted.Work);
                break;
            case SubmitDecision.Repeat { Original: var original }:
                session.Outbox.Post(new ControlFrame(_submission.AcceptedFrame(header, original), OutlivesConnection: true) { IsCommitted = true });
                break;
        }
    }

    private JobSubscribed Subscribed(Job job, JobSnapshot now, bool replayed) => new()
    {
        JobId = job.Spec.Id,
        CurrentStatus = now.State.Status,
        Agent = session.AgentLabel(job.Spec),
        Lease = job.Spec.Lease,
        LeaseConstraints = job.Spec.LeaseConstraints,
        Budget = job.Spec.Guard.Budget.Remaining,
        Credentials = CredentialsFor(job),
        ParentJobId = job.Spec.ParentId,
        TraceId = job.Spec.Trace.Value,
        SubscribedFrom = now.LogLength,
        Replayed = replayed,
    };

    // Only the submitter's principal, and only where the feature is negotiated (§7.6).
    private IReadOnlyList<ProvisionedCredential>? CredentialsFor(Job job) =>
        job.Spec.Principal == session.Principal && session.Has(Features.ProvisionedCredentials) && !job.Spec.Credentials.IsEmpty
            ? job.Spec.Credentials.Current
            : null;

    private ControlFrame ToFrame(ArcpMessage message, FrameHeader header, Job job) => new(
        ControlFrames.Frame(
            message,
            new FrameHeader { SessionId = session.Id, JobId = job.Spec.Id, Trace = job.Spec.Trace, RequestId = header.Id },
            services.Clock),
        OutlivesConnection: false);

    /// <summary>Finds a job that this session's principal may know of.</summary>
    /// <exception cref="ArcpException">None is named, or there is none.</exception>
    private (Job Job, JobVisibility Visibility) Find(FrameHeader header, JobId? named)
    {
        if ((named ?? header.JobId) is not { } jobId)
        {
            throw new ArcpException(ErrorCode.InvalidRequest, "'job_id' is required, in the payload or on the envelope.");
        }

        if (services.Jobs.TryFind(jobId, out KnownJob? job))
        {
            JobVisibility visibility = job.Principal == session.Principal
                ? JobVisibility.Observable
                : services.ObservationPolicy.Decide(session.Principal, new ObservedJob(jobId, job.Principal, job.Agent.Name, job.Status));
            Log.ObservationDecided(services.Logger, session.Principal.Name, jobId, job.Principal.Name, visibility);
            if (visibility is not JobVisibility.Hidden)
            {
                return (job.Open(), visibility);
            }
        }

        throw new ArcpException(ErrorCode.JobNotFound, "There is no such job.");
    }
}
