using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Leases;
using Arcp.Core.Messages;
using Arcp.Core.Serialization;
using Arcp.Runtime.Agents;
using Arcp.Runtime.Idempotency;
using Arcp.Runtime.Jobs;
using Arcp.Runtime.Leases;

namespace Arcp.Runtime.Sessions;

/// <summary>Decides submits in the order of §7.1: schema, features, agent, lease, constraints, idempotency, limits. A refused one leaves nothing behind.</summary>
internal sealed class Submission(Session session, SessionServices services)
{
    private const int LongestKey = 512;

    private JobOrigin? _last; // the next job is likely to be like this one

    /// <summary>Decides a submit. Ends at once unless a store has to be asked or an earlier use of the same key is undecided.</summary>
    public async ValueTask<SubmitDecision> DecideAsync(FrameHeader header, JobSubmit submit)
    {
        try
        {
            AgentDescriptor agent = Check(submit);
            return submit.IdempotencyKey is { } key
                ? await DecideOnceAsync(new ScopedKey(session.Principal, key), agent, header, submit).ConfigureAwait(false)
                : await CreateAsync(agent, header, submit, ticket: null).ConfigureAwait(false);
        }
        catch (ArcpException e)
        {
            return new SubmitDecision.Rejected(e);
        }
    }

    private static ArcpException Invalid(string message) => new(ErrorCode.InvalidRequest, $"job.submit: {message}");

    private static TimeSpan ToTimeSpan(double seconds) =>
        seconds >= TimeSpan.MaxValue.TotalSeconds ? TimeSpan.MaxValue : TimeSpan.FromSeconds(seconds);

    /// <summary>Everything that depends on the request and the session alone.</summary>
    private AgentDescriptor Check(JobSubmit submit)
    {
        AgentReference name = CheckSchema(submit);
        CheckFeatures(submit, name);
        if (!services.Agents.TryResolve(name, out AgentDescriptor? agent, out ArcpException? error))
        {
            throw error;
        }

        CheckLease(submit);
        return agent;
    }

    // The key is claimed before anything is done under it, and given back when that fails (§7.2).
    private async ValueTask<SubmitDecision> DecideOnceAsync(ScopedKey key, AgentDescriptor agent, FrameHeader header, JobSubmit submit)
    {
        switch (await services.Idempotency.ClaimAsync(key, SubmitFingerprint.Of(submit)).ConfigureAwait(false))
        {
            case IdempotencyClaim.Replay replay:
                return new SubmitDecision.Repeat(replay.Accepted);
            case IdempotencyClaim.Conflict conflict:
                throw new ArcpException(ErrorCode.DuplicateKey, "The idempotency key was used for another request; use a new key.")
                {
                    Details = RawJson.Parse($$"""{"existing_job_id":"{{conflict.Existing.Value}}"}"""),
                };
            case IdempotencyClaim.Granted { Ticket: var ticket }:
                try
                {
                    return await CreateAsync(agent, header, submit, ticket).ConfigureAwait(false);
                }
                catch
                {
                    ticket.Release();
                    throw;
                }

            default:
                throw new InvalidOperationException("An unknown kind of claim.");
        }
    }

    // All that may fail comes first; then the job exists, and whoever asks with the same key may know of it.
    private async ValueTask<SubmitDecision.NewJob> CreateAsync(AgentDescriptor agent, FrameHeader header, JobSubmit submit, IdempotencyTicket? ticket)
    {
        CheckParent(submit);
        var spec = new JobSpec
        {
            Id = JobId.New(services.Clock),
            Origin = OriginOf(agent.Identity, ToGuard(submit)),
            Trace = header.Trace ?? TraceContext.New(),
            CreatedAt = services.Clock.GetUtcNow(),
            MaxRuntime = submit.MaxRuntimeSec is { } seconds ? ToTimeSpan(seconds) : null,
            ParentId = submit.ParentJobId,
            TakesCredentials = session.Has(Features.ProvisionedCredentials),
            StreamsResult = session.Has(Features.ResultChunk),
        };
        using PreparedJob prepared = await services.JobFactory.PrepareAsync(spec).ConfigureAwait(false);
        ReadOnlyMemory<byte> frame = ControlFrames.Frame(ToAccepted(prepared.Spec), AcceptedHeader(header, spec.Id, spec.Trace), services.Clock);
        AcceptedSubmit? accepted = ticket is null ? null : new AcceptedSubmit(spec.Id, spec.Trace.Value, ControlFrames.PayloadOf(frame.Span).ToArray());
        await prepared.KeepAsync(frame, ticket?.ToStored(accepted!)).ConfigureAwait(false);
        Job job = prepared.Create();
        ticket?.Accept(accepted!);
        return new SubmitDecision.NewJob(job, new AgentWork(agent, services.AgentEnvironment, submit.Input ?? RawJson.Null), frame);
    }

    /// <summary>Makes the frame that accepts a submit again. request_id stands on the envelope: the payload is the same bytes for every replay (§7.2).</summary>
    public ReadOnlyMemory<byte> AcceptedFrame(FrameHeader header, AcceptedSubmit accepted)
    {
        _ = TraceContext.TryParse(accepted.Trace, out TraceContext? trace);
        return ControlFrames.Frame<JobAccepted>(accepted.Payload, AcceptedHeader(header, accepted.JobId, trace) with { Id = MessageId.New(services.Clock) });
    }

    private FrameHeader AcceptedHeader(in FrameHeader submit, JobId jobId, TraceContext? trace) => new()
    {
        SessionId = session.Id,
        JobId = jobId,
        Trace = trace,
        RequestId = submit.Id,
    };

    private JobOrigin OriginOf(JobAgent agent, LeaseGuard guard) =>
        _last is { } last && last.Agent == agent && last.Guard == guard ? last : _last = new JobOrigin(session.Principal, session.Id, agent, guard);

    private LeaseGuard ToGuard(JobSubmit submit)
    {
        if (submit.LeaseRequest is null or { Count: 0 } && submit.LeaseConstraints?.ExpiresAt is null && !services.Options.AllowUnlistedModels)
        {
            return LeaseGuard.DenyAll;
        }

        CompiledLease lease = submit.LeaseRequest is { } request ? CompiledLease.Compile(request) : CompiledLease.Empty;
        return new LeaseGuard(
            lease,
            new BudgetLedger(lease.Budgets),
            submit.LeaseConstraints?.ExpiresAt is { } expiresAt ? LeaseExpiry.Start(expiresAt, services.Clock) : null,
            services.Options.AllowUnlistedModels);
    }

    private static AgentReference CheckSchema(JobSubmit submit)
    {
        if (!AgentReference.TryParse(submit.Agent, out AgentReference name))
        {
            throw Invalid($"'agent' must have at most {AgentReference.MaxLength} characters: {AgentReference.NameRule}, optionally followed by @ and a version {AgentReference.VersionRule}.");
        }

        if (submit.MaxRuntimeSec is { } seconds && !(seconds > 0))
        {
            throw Invalid("'max_runtime_sec' must be greater than 0.");
        }

        if (submit.IdempotencyKey is { } key && key.Length is 0 or > LongestKey)
        {
            throw Invalid($"'idempotency_key' must have 1 to {LongestKey} characters.");
        }

        return name;
    }

    private void CheckFeatures(JobSubmit submit, AgentReference name)
    {
        CheckFeature(name.Version is not null, Features.AgentVersions, "a version in 'agent'");
        CheckFeature(submit.LeaseRequest?.ContainsKey(LeaseNamespaces.CostBudget) is true, Features.CostBudget, "'lease_request.cost.budget'");
        CheckFeature(submit.LeaseRequest?.ContainsKey(LeaseNamespaces.ModelUse) is true, Features.ModelUse, "'lease_request.model.use'");
        CheckFeature(submit.LeaseConstraints?.ExpiresAt is not null, Features.LeaseExpiresAt, "'lease_constraints.expires_at'");
    }

    private void CheckFeature(bool isUsed, Features feature, string member)
    {
        if (isUsed && !session.Has(feature))
        {
            throw Invalid($"{member} needs the feature '{feature.ToNames()[0]}', which is not negotiated in this session.");
        }
    }

    private void CheckLease(JobSubmit submit)
    {
        if (submit.LeaseRequest is { } lease && LeaseGrammar.FindError(lease) is { } error)
        {
            throw Invalid(error);
        }

        if (submit.LeaseConstraints?.ExpiresAt is { } expiresAt)
        {
            if (expiresAt.Offset != TimeSpan.Zero)
            {
                throw Invalid("'lease_constraints.expires_at' must be in UTC, with Z.");
            }

            if (expiresAt <= services.Clock.GetUtcNow())
            {
                throw Invalid("'lease_constraints.expires_at' must be in the future.");
            }
        }
    }

    private void CheckParent(JobSubmit submit)
    {
        if (submit.ParentJobId is { } parentId
            && !(services.Jobs.TryFind(parentId, out KnownJob? parent) && parent.Principal == session.Principal))
        {
            throw new ArcpException(ErrorCode.JobNotFound, "There is no such parent job.");
        }
    }

    private JobAccepted ToAccepted(JobSpec spec) => new()
    {
        JobId = spec.Id,
        Agent = session.AgentLabel(spec),
        Lease = spec.Lease,
        LeaseConstraints = spec.LeaseConstraints,
        Budget = spec.Guard.Lease.Budgets,
        Credentials = spec.Credentials.IsEmpty ? null : spec.Credentials.Current,
        AcceptedAt = spec.CreatedAt,
        ParentJobId = spec.ParentId,
        TraceId = spec.Trace.Value,
    };
}
