using Arcp.Client.Collections;
using Arcp.Core;
using Arcp.Core.Ids;

namespace Arcp.Client.Requests;

/// <summary>
/// Pairs answers with requests: by request id, else by the unique trace of each submit, else in order, oldest first
/// ("CL towards other runtimes"). Not thread-safe: the dispatcher's lock guards it.
/// </summary>
internal sealed class PendingRequests
{
    private const int MaxAbandoned = 1024;
    private const int MaxAnswered = 4096;

    private readonly Dictionary<MessageId, PendingRequest> _open = [];
    private readonly LinkedList<PendingRequest> _sent = new();
    private readonly BoundedSet<MessageId> _answered = new(MaxAnswered);
    private readonly BoundedSet<MessageId> _accepted = new(MaxAnswered);
    private (RefusalForm Form, ErrorCode Code)? _expectedTwin;

    /// <summary>Whether a submit that somebody waits for is with the runtime.</summary>
    public bool HasSubmitUnderWay => _sent.Any(request => request is PendingSubmit { IsAbandoned: false });

    /// <summary>Whether a submit with an idempotency key is with the runtime.</summary>
    public bool HasKeyedSubmit => _sent.Any(request => request is PendingSubmit { HasIdempotencyKey: true });

    /// <summary>How many requests are open, answered ones excepted.</summary>
    public int Count => _open.Count;

    /// <summary>Whether a subscription to the job is with the runtime.</summary>
    public bool HasSubscribe(JobId jobId) => _sent.Any(request => request is PendingSubscribe { IsAbandoned: false } && request.JobId == jobId);

    /// <summary>Whether a subscription to the job is with the runtime, or about to be sent.</summary>
    public bool WantsSubscribe(JobId jobId) => _open.Values.Any(request => request is PendingSubscribe { IsAbandoned: false } && request.JobId == jobId);

    /// <summary>Knows a request that has not been sent yet.</summary>
    public void Add(PendingRequest request) => _open.Add(request.Id, request);

    /// <summary>The write loop is about to send the request; this is what "oldest" counts from.</summary>
    /// <returns>False when nobody wants it any more.</returns>
    public bool TryBegin(PendingRequest request)
    {
        if (request.IsAbandoned || !_open.ContainsKey(request.Id))
        {
            return false;
        }

        if (request.IsSent)
        {
            request.IsRepeated = true;
            return request.IsRepeatable;
        }

        if (request is PendingSubscribe { Restored: { } tracker, After: var after })
        {
            request.IsRepeated = tracker.OnAsked(forHistory: after is not null);
        }

        request.IsSent = true;
        _sent.AddLast(request);
        return true;
    }

    /// <summary>Nobody waits for the request any more; its answer, should it come, is still recognised.</summary>
    public void Abandon(PendingRequest request)
    {
        request.IsAbandoned = true;
        if (!request.IsSent)
        {
            _open.Remove(request.Id);
        }
        else if (_sent.Count(other => other.IsAbandoned) > MaxAbandoned)
        {
            Take(_sent.First(other => other.IsAbandoned));
        }
    }

    /// <summary>The request is over without an answer of its own; a refusal that comes late is not another request's.</summary>
    public void Complete(PendingRequest request)
    {
        if (request.IsSent)
        {
            Take(request);
        }
        else
        {
            request.IsAbandoned = true;
            _open.Remove(request.Id);
        }
    }

    /// <summary>Finds the submit that an acceptance answers.</summary>
    /// <param name="requestId">The submit's id, where the runtime gives it.</param>
    /// <param name="trace">The job's trace.</param>
    /// <param name="parentJobId">The job's parent.</param>
    /// <param name="isDelegated">Whether the acceptance says that it is a delegation's.</param>
    /// <returns>The submit, no longer pending; null = the acceptance answers none.</returns>
    public PendingSubmit? TakeAccepted(MessageId? requestId, TraceContext? trace, JobId? parentJobId, bool isDelegated)
    {
        PendingRequest? found = null;
        if (requestId is { } id)
        {
            found = _open.GetValueOrDefault(id) is PendingSubmit { IsSent: true } named ? named : null;
        }
        else if (!isDelegated)
        {
            // A job of a parent that no pending submit names was delegated.
            bool Fits(PendingRequest request) => request is PendingSubmit submit && (parentJobId is null || submit.ParentJobId == parentJobId);
            found = ByTrace(trace, Fits) ?? _sent.FirstOrDefault(Fits);
        }

        if (found is null)
        {
            return null;
        }

        _expectedTwin = null;
        Take(found);
        _accepted.Add(found.Id);
        return (PendingSubmit)found;
    }

    /// <summary>Finds the subscription that a <c>job.subscribed</c> answers.</summary>
    public PendingSubscribe? TakeSubscribed(MessageId? requestId, JobId jobId) =>
        TakeSent<PendingSubscribe>(requestId, request => request.JobId == jobId);

    /// <summary>Finds the listing that a page answers.</summary>
    public PendingPage? TakePage(MessageId? requestId) => TakeSent<PendingPage>(requestId, _ => true);

    /// <summary>The submits that may not be repeated and whose answer the lost connection may have taken with it.</summary>
    public IReadOnlyList<PendingRequest> Doubtful() => [.. _sent.Where(request => request is { IsRepeatable: false, IsAbandoned: false })];

    /// <summary>A new session begins: what was sent in the old one gets no answer there any more.</summary>
    /// <param name="keysSurvive">Whether idempotency keys mean the same in the new session (§7.2).</param>
    /// <returns>The requests that cannot be repeated, no longer pending.</returns>
    public IReadOnlyList<PendingRequest> StartOver(bool keysSurvive)
    {
        var lost = new List<PendingRequest>();
        foreach (PendingRequest request in _sent)
        {
            if (request.IsAbandoned || !request.IsRepeatable || (request is PendingSubmit && !keysSurvive))
            {
                _open.Remove(request.Id);
                lost.Add(request);
            }
            else
            {
                (request.IsSent, request.IsRepeated, request.WasSentBefore) = (false, false, true);
            }
        }

        _sent.Clear();
        _expectedTwin = null;
        return lost;
    }

    /// <summary>Whether the id is that of a request that is pending, or is over without having been accepted.</summary>
    public bool IsRefusable(MessageId? id) => id is { } known && (IsPending(known) || (_answered.Contains(known) && !_accepted.Contains(known)));

    private PendingRequest? Find(MessageId? id) => id is { } known && IsPending(known) ? _open[known] : null;

    /// <summary>Finds the request that a refusal is about.</summary>
    /// <param name="refusal">The refusal.</param>
    /// <param name="isKnown">Whether the refusal is about a request of ours, pending or answered before.</param>
    /// <returns>The request, no longer pending; null = none, or the refusal is the second form of one that was found before.</returns>
    public PendingRequest? TakeRefused(Refusal refusal, out bool isKnown)
    {
        isKnown = true;
        PendingRequest? found = Find(refusal.RequestId) ?? Find(refusal.EnvelopeId);
        if (found is null)
        {
            if (IsAnswered(refusal.RequestId) || IsAnswered(refusal.EnvelopeId))
            {
                _expectedTwin = null;
                return null;
            }

            if (refusal.RequestId is not null)
            {
                isKnown = false;
                return null; // names a request that is none of ours, or forgotten
            }

            bool Fits(PendingRequest request) => InScope(request, refusal.Scope);
            found = ByTrace(refusal.Trace, Fits) ?? (refusal.JobId is { } job ? _sent.FirstOrDefault(request => request.JobId == job) : null);
            if (found is null && _expectedTwin == (refusal.Form, refusal.Code))
            {
                _expectedTwin = null;
                return null;
            }

            found ??= _sent.FirstOrDefault(Fits);
        }

        if (found is not null)
        {
            // §12: the other form of the same refusal may follow, and must not refuse a second request.
            _expectedTwin = (refusal.Form is RefusalForm.SessionError ? RefusalForm.JobError : RefusalForm.SessionError, refusal.Code);
            Take(found);
        }

        isKnown = found is not null;
        return found;
    }

    /// <summary>Takes all requests, because no answer can come.</summary>
    public IReadOnlyList<PendingRequest> TakeAll()
    {
        PendingRequest[] all = [.. _open.Values];
        _open.Clear();
        _sent.Clear();
        return all;
    }

    private static bool InScope(PendingRequest request, RefusalScope scope) => scope switch
    {
        RefusalScope.Any => true,
        RefusalScope.Submits => request is PendingSubmit,
        RefusalScope.SubmitsWithKey => request is PendingSubmit { HasIdempotencyKey: true },
        _ => false,
    };

    private bool IsAnswered(MessageId? id) => id is { } known && _answered.Contains(known);

    private bool IsPending(MessageId id) => _open.TryGetValue(id, out PendingRequest? request) && request.IsSent;

    // The user may give several submits one trace; then it tells nothing. Runtimes echo the whole text or the trace id alone.
    private PendingRequest? ByTrace(TraceContext? trace, Func<PendingRequest, bool> fits)
    {
        if (trace is null)
        {
            return null;
        }

        return Single(request => request.Trace == trace) ?? Single(request => request.Trace?.TraceId == trace.TraceId);

        PendingRequest? Single(Func<PendingRequest, bool> matches)
        {
            PendingRequest[] found = [.. _sent.Where(request => fits(request) && matches(request)).Take(2)];
            return found.Length == 1 ? found[0] : null;
        }
    }

    private T? TakeSent<T>(MessageId? requestId, Func<T, bool> fits)
        where T : PendingRequest
    {
        T? found = requestId is { } id
            ? Find(id) as T
            : _sent.OfType<T>().FirstOrDefault(fits);
        if (found is not null)
        {
            _expectedTwin = null;
            Take(found);
        }

        return found;
    }

    private void Take(PendingRequest request)
    {
        if (_open.Remove(request.Id))
        {
            _sent.Remove(request);
            _answered.Add(request.Id);
        }
    }
}
