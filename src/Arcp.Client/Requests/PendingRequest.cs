using Arcp.Client.Jobs;
using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Messages;

namespace Arcp.Client.Requests;

/// <summary>A request that the runtime has not answered yet. Its state is guarded by the dispatcher's lock; its answer is awaited by who made it.</summary>
internal abstract class PendingRequest(MessageId id, JobId? jobId = null)
{
    /// <summary>The id of the request's frame.</summary>
    public MessageId Id { get; } = id;

    /// <summary>The trace that the request carries.</summary>
    public virtual TraceContext? Trace => null;

    /// <summary>The job that the request is about.</summary>
    public JobId? JobId { get; } = jobId;

    /// <summary>Whether the request may be sent again when its connection is lost before the answer.</summary>
    public virtual bool IsRepeatable => true;

    /// <summary>Whether the frame has been handed to the transport in this session: from then on the runtime may have acted on it.</summary>
    public bool IsSent { get; set; }

    /// <summary>Whether that has happened more than once in this session: the runtime may have acted on it before.</summary>
    public bool IsRepeated { get; set; }

    /// <summary>Whether that has happened in a session before this one.</summary>
    public bool WasSentBefore { get; set; }

    /// <summary>Whether nobody waits any more. The answer still has to be recognised, or the next request would take it for its own.</summary>
    public bool IsAbandoned { get; set; }

    /// <summary>Whether there is an answer, or the reason why there is none.</summary>
    public abstract bool IsAnswered { get; }

    /// <summary>The runtime has refused the request, or no answer will come.</summary>
    public abstract void Fail(Exception error);
}

/// <summary>A request that is answered by a frame of its own.</summary>
internal abstract class PendingRequest<T>(MessageId id, JobId? jobId = null) : PendingRequest(id, jobId)
{
    private readonly TaskCompletionSource<T> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The answer, or the refusal.</summary>
    public Task<T> Answer => _answer.Task;

    public override bool IsAnswered => _answer.Task.IsCompleted;

    public void Complete(T answer) => _answer.TrySetResult(answer);

    public override void Fail(Exception error)
    {
        // Unawaited, the error would surface as an unobserved one.
        if (!IsAbandoned)
        {
            _answer.TrySetException(error);
        }
    }
}

/// <summary>A submit (§7.1).</summary>
internal sealed class PendingSubmit(MessageId id, TraceContext trace, JobId? parentJobId, bool hasIdempotencyKey) : PendingRequest<AcceptedJob>(id)
{
    /// <summary>Whether the job's streamed result is put together.</summary>
    public bool KeepsResult { get; init; } = true;

    public override TraceContext Trace { get; } = trace;

    public JobId? ParentJobId { get; } = parentJobId;

    public bool HasIdempotencyKey { get; } = hasIdempotencyKey;

    /// <summary>§7.2: with a key the same job is meant, however often it is asked for.</summary>
    public override bool IsRepeatable => HasIdempotencyKey;
}

/// <summary>A job that was accepted.</summary>
/// <param name="Tracker">The job.</param>
/// <param name="Accepted">What the runtime said of it.</param>
/// <param name="IsPartial">Whether its events may not come, or not all.</param>
internal sealed record AcceptedJob(JobTracker Tracker, JobAccepted Accepted, bool IsPartial = false);

/// <summary>A subscription (§7.6).</summary>
/// <param name="id">The request's id.</param>
/// <param name="jobId">The job.</param>
/// <param name="after">Above which number of the job's log events are asked for; null = no history.</param>
/// <param name="restored">The job that is followed already and has lost its session; null = a new subscription.</param>
internal sealed class PendingSubscribe(MessageId id, JobId jobId, long? after, JobTracker? restored = null) : PendingRequest<Observation>(id, jobId)
{
    public long? After { get; } = after;

    public JobTracker? Restored { get; } = restored;

    /// <summary>Whether the job's streamed result is put together.</summary>
    public bool KeepsResult { get; init; } = true;
}

/// <summary>A job that is subscribed to.</summary>
/// <param name="Tracker">The job.</param>
/// <param name="Subscribed">What the runtime said of it.</param>
/// <param name="After">Above which number of its log events are meant.</param>
/// <param name="IsPartial">Whether history was asked for and does not come, or not all.</param>
internal sealed record Observation(JobTracker Tracker, JobSubscribed Subscribed, long After, bool IsPartial);

/// <summary>A page of a listing (§6.6).</summary>
internal sealed class PendingPage(MessageId id) : PendingRequest<SessionJobs>(id);

/// <summary>A request that is answered by something else than a frame of its own (cancel, close): only its refusal is awaited here.</summary>
internal sealed class PendingNotice(MessageId id, JobId? jobId = null) : PendingRequest(id, jobId)
{
    private readonly TaskCompletionSource<Exception> _refusal = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends, with the reason as its value, only when the request is refused or lost.</summary>
    public Task<Exception> Refusal => _refusal.Task;

    public override bool IsAnswered => _refusal.Task.IsCompleted;

    public override void Fail(Exception error) => _refusal.TrySetResult(error);
}
