using Arcp.Client.Jobs;
using Arcp.Core;
using Arcp.Core.Ids;

namespace Arcp.Client.Requests;

/// <summary>A request that the runtime has not answered yet. Its state is guarded by the dispatcher's lock; its answer is awaited by who made it.</summary>
internal abstract class PendingRequest(MessageId id)
{
    /// <summary>The id of the request's frame.</summary>
    public MessageId Id { get; } = id;

    /// <summary>The trace that the request carries.</summary>
    public virtual TraceContext? Trace => null;

    /// <summary>The job that the request is about.</summary>
    public virtual JobId? JobId => null;

    /// <summary>Whether the frame has been handed to the transport: from then on the runtime may have acted on it.</summary>
    public bool IsSent { get; set; }

    /// <summary>Whether nobody waits any more. The answer still has to be recognised, or the next request would take it for its own.</summary>
    public bool IsAbandoned { get; set; }

    /// <summary>The runtime has refused the request.</summary>
    public abstract void Refuse(ArcpException error);

    /// <summary>No answer will come.</summary>
    public abstract void Fail(Exception error);
}

/// <summary>A submit (§7.1).</summary>
internal sealed class PendingSubmit(MessageId id, TraceContext trace, JobId? parentJobId, bool hasIdempotencyKey) : PendingRequest(id)
{
    private readonly TaskCompletionSource<JobTracker> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public override TraceContext Trace { get; } = trace;

    public JobId? ParentJobId { get; } = parentJobId;

    public bool HasIdempotencyKey { get; } = hasIdempotencyKey;

    /// <summary>The job, or the refusal.</summary>
    public Task<JobTracker> Answer => _answer.Task;

    public void Accept(JobTracker tracker) => _answer.TrySetResult(tracker);

    public override void Refuse(ArcpException error) => Fail(error);

    public override void Fail(Exception error)
    {
        // Unawaited, the error would surface as an unobserved one.
        if (!IsAbandoned)
        {
            _answer.TrySetException(error);
        }
    }
}

/// <summary>A request that is answered by something else than a frame of its own (cancel, close): only its refusal is awaited here.</summary>
internal sealed class PendingNotice(MessageId id, JobId? jobId = null) : PendingRequest(id)
{
    private readonly TaskCompletionSource<Exception> _refusal = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public override JobId? JobId { get; } = jobId;

    /// <summary>Ends, with the reason as its value, only when the request is refused or lost.</summary>
    public Task<Exception> Refusal => _refusal.Task;

    public override void Refuse(ArcpException error) => _refusal.TrySetResult(error);

    public override void Fail(Exception error) => _refusal.TrySetResult(error);
}
