using Arcp.Client.Connections;
using Arcp.Client.Jobs;
using Arcp.Client.Requests;
using Arcp.Core.Ids;
using Arcp.Core.Serialization;
using Microsoft.Extensions.Logging;

namespace Arcp.Client;

/// <summary>What a session waits for and follows. Outlives connections. One lock guards requests and jobs together, so that an answer and the handle that it makes are one step.</summary>
/// <remarks>Thread-safe. Nothing is awaited under the lock, and apart from writing logs no foreign code runs there: waiters are woken asynchronously.</remarks>
internal sealed class FrameDispatcher : IFrameReceiver
{
    private readonly Lock _gate = new();
    private readonly PendingRequests _requests = new();
    private readonly JobTable _jobs = new();
    private readonly HashSet<JobId> _unsubscribes = [];
    private readonly FrameRouter _router;
    private bool _isOnline;
    private ConnectionEnd? _over;
    private ConnectionEnd? _closing;

    public FrameDispatcher(TrackerLimits limits, UnclaimedMessages unclaimed, ILogger logger)
    {
        Unclaimed = unclaimed;
        _router = new FrameRouter(_requests, _jobs, Lane, limits, unclaimed, logger);
    }

    /// <summary>Where submits wait for their turn.</summary>
    public SubmitLane Lane { get; } = new();

    /// <summary>What belongs to no handle.</summary>
    public UnclaimedMessages Unclaimed { get; }

    public long ProcessedSeq => _router.ProcessedSeq;

    /// <summary>Whether the connection has brought anything that moves the session on.</summary>
    public bool HasProgressed => _router.HasProgressed;

    /// <summary>Whether the client is being closed.</summary>
    public bool IsClosing
    {
        get
        {
            lock (_gate)
            {
                return _closing is not null;
            }
        }
    }

    /// <summary>How many requests and jobs there are in the tables; for tests that look for leaks.</summary>
    public (int Requests, int Jobs) Counts
    {
        get
        {
            lock (_gate)
            {
                return (_requests.Count, _jobs.Count);
            }
        }
    }

    /// <summary>A connection is about to start.</summary>
    /// <param name="sessionId">Its session.</param>
    /// <param name="isResumed">Whether that is the session of before.</param>
    /// <param name="keysSurvive">Whether idempotency keys mean the same in a new session.</param>
    /// <param name="barrier">The nonce of a ping that is sent first: what the lost connection owed us comes before its answer.</param>
    /// <returns>Whether that ping is needed.</returns>
    public bool Begin(SessionId sessionId, bool isResumed, bool keysSurvive, string barrier)
    {
        lock (_gate)
        {
            _isOnline = _over is null;
            if (isResumed)
            {
                return _router.BeginResumed(sessionId, barrier);
            }

            _router.BeginNew(sessionId);
            StartOver(keysSurvive);
            return false;
        }
    }

    /// <summary>The jobs that are followed and of which the session receives nothing until it has subscribed to them.</summary>
    public IReadOnlyList<JobTracker> Unsubscribed()
    {
        lock (_gate)
        {
            return [.. _jobs.Open.Where(tracker => tracker.NeedsSubscription)];
        }
    }

    /// <summary>The subscriptions that were let go while there was no connection.</summary>
    public IReadOnlyList<JobId> TakeUnsubscribes()
    {
        lock (_gate)
        {
            JobId[] all = [.. _unsubscribes];
            _unsubscribes.Clear();
            return all;
        }
    }

    /// <summary>Makes a request known before it is sent.</summary>
    /// <exception cref="ArcpConnectionException">There is no connection any more, and there will be none.</exception>
    public void Add(PendingRequest request)
    {
        lock (_gate)
        {
            if ((_over ?? _closing) is { } end)
            {
                throw Lost(end, isOutcomeUnknown: false);
            }

            _requests.Add(request);
            if (request is PendingSubscribe { JobId: { } jobId })
            {
                _unsubscribes.Remove(jobId);
            }
        }
    }

    /// <summary>Whether the request may be sent on a new connection.</summary>
    public bool MaySend(PendingRequest request)
    {
        lock (_gate)
        {
            return !request.IsAnswered && (!request.IsSent || request.IsRepeatable);
        }
    }

    /// <summary>The write loop asks whether the request is still wanted.</summary>
    public bool TryBegin(PendingRequest request)
    {
        lock (_gate)
        {
            if (request is PendingSubscribe { IsSent: false, JobId: { } jobId } subscribe
                && (_requests.HasSubscribe(jobId) || _jobs.Held.Contains(jobId) || _jobs.Awaits(jobId, otherThan: subscribe.Restored)))
            {
                _jobs.AddRead(jobId); // frames of the job may come that are not this request's
            }

            return _isOnline && _requests.TryBegin(request);
        }
    }

    /// <summary>Nobody waits for the request any more.</summary>
    /// <returns>False when it has been answered at the same moment.</returns>
    public bool TryAbandon(PendingRequest request)
    {
        lock (_gate)
        {
            if (request.IsAnswered)
            {
                return false;
            }

            if (request is PendingSubscribe { IsSent: true, JobId: { } jobId })
            {
                _jobs.AddRead(jobId); // it may have begun what nobody counts
            }

            _requests.Abandon(request);
            _router.DropHeldFrames();
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

    /// <summary>A child job that is followed because its parent is gets a handle of its own.</summary>
    /// <returns>The job; null = the session does not receive its frames.</returns>
    public JobTracker? TryFollow(JobId childId)
    {
        lock (_gate)
        {
            if (!_jobs.TryGet(childId, out JobTracker? tracker))
            {
                return null;
            }

            tracker.Handles++;
            return tracker;
        }
    }

    /// <summary>A handle of the job is let go.</summary>
    /// <param name="tracker">The job.</param>
    /// <param name="unsubscribe">Queues what tells the runtime, and does not wait. Called under the lock, so that no subscription that is asked for next is sent before it and ended by it.</param>
    public void Release(JobTracker tracker, Action<JobId> unsubscribe)
    {
        lock (_gate)
        {
            foreach (JobTracker released in _jobs.Release(tracker))
            {
                if (released is { IsSubscribed: true, Ended.IsCompleted: false } && NeedsUnsubscribe(released.JobId))
                {
                    unsubscribe(released.JobId);
                }
            }

            _router.DropHeldFrames();
        }
    }

    /// <summary>A subscription is given up before it was answered.</summary>
    /// <param name="jobId">The job.</param>
    /// <param name="unsubscribe">As above.</param>
    public void Release(JobId jobId, Action<JobId> unsubscribe)
    {
        lock (_gate)
        {
            if (!_jobs.TryGet(jobId, out _) && NeedsUnsubscribe(jobId))
            {
                unsubscribe(jobId);
            }
        }
    }

    /// <summary>A subscription of the application's waits until the job's handles have theirs: the session reads a job from one place only, and they know which.</summary>
    /// <returns>What to wait for.</returns>
    public Task Restored(JobId jobId)
    {
        lock (_gate)
        {
            return _jobs.TryGet(jobId, out JobTracker? tracker) ? tracker.Restored : Task.CompletedTask;
        }
    }

    /// <summary>Nothing more will be seen of the job.</summary>
    public void Lose(JobTracker tracker, Func<Exception> failure)
    {
        lock (_gate)
        {
            tracker.Lose(failure);
        }
    }

    /// <summary>From now on no request is taken and the end of the connection is our own doing.</summary>
    /// <param name="close">The last request.</param>
    /// <returns>False when there is no connection at this moment.</returns>
    public bool TryBeginClose(PendingRequest close)
    {
        lock (_gate)
        {
            _closing = new ConnectionEnd("The client has been closed.");
            if (!_isOnline)
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
            return _isOnline ? _router.OnFrame(envelope, size) : null;
        }
    }

    public void OnPause()
    {
        lock (_gate)
        {
            _router.WakeReaders();
        }
    }

    public ConnectionEnd? OnUnreadable(FrameError error)
    {
        lock (_gate)
        {
            return _isOnline ? _router.OnUnreadable(error) : null;
        }
    }

    public ConnectionEnd OnEnded(ConnectionEnd end)
    {
        lock (_gate)
        {
            _isOnline = false;
            return _closing is null ? end with { Cause = end.Cause ?? _router.LastUnrelated } : end with { Message = _closing.Message };
        }
    }

    /// <summary>There will be no connection any more: everybody who waits is told.</summary>
    public void End(ConnectionEnd end)
    {
        lock (_gate)
        {
            _isOnline = false;
            _over = end;
            foreach (PendingRequest request in _requests.TakeAll())
            {
                request.Fail(Lost(end, request.IsSent || request.WasSentBefore));
            }

            _jobs.LoseAll(() => Lost(end, isOutcomeUnknown: true));
            Unclaimed.Complete();
        }
    }

    private static ArcpConnectionException Lost(ConnectionEnd end, bool isOutcomeUnknown) => new(end.Message, end.Cause, isOutcomeUnknown);

    private void StartOver(bool keysSurvive)
    {
        _unsubscribes.Clear();
        foreach (PendingRequest request in _requests.StartOver(keysSurvive))
        {
            request.Fail(new ArcpConnectionException("The session was lost before the runtime's answer.", null, isOutcomeUnknown: true));
        }

        _jobs.StartOver();
    }

    private bool NeedsUnsubscribe(JobId jobId)
    {
        if (_requests.WantsSubscribe(jobId))
        {
            return false; // somebody else wants it at this moment
        }

        if (!_isOnline && _over is null)
        {
            _unsubscribes.Add(jobId);
        }

        return _isOnline;
    }
}
