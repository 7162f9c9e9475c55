using Arcp.Client.Connections;
using Arcp.Client.Diagnostics;
using Arcp.Client.Jobs;
using Arcp.Client.Requests;
using Arcp.Core.Ids;
using Arcp.Core.Messages;
using Arcp.Core.Serialization;
using Microsoft.Extensions.Logging;

namespace Arcp.Client;

/// <summary>What a session waits for and follows. One lock guards requests and jobs together, so that an answer and the handle that it makes are one step.</summary>
/// <remarks>Thread-safe. Nothing is awaited under the lock, and apart from writing logs no foreign code runs there: waiters are woken asynchronously.</remarks>
internal sealed class FrameDispatcher : IFrameReceiver
{
    private readonly Lock _gate = new();
    private readonly PendingRequests _requests = new();
    private readonly JobTable _jobs = new();
    private readonly JobFrames _frames;
    private readonly Answers _answers;
    private readonly SessionId _sessionId;
    private readonly ILogger _logger;
    private ConnectionEnd? _end;
    private ConnectionEnd? _closing;

    public FrameDispatcher(SessionId sessionId, long maxResultBytes, ILogger logger)
    {
        _sessionId = sessionId;
        _logger = logger;
        _frames = new JobFrames(_jobs, _requests, maxResultBytes, logger);
        _answers = new Answers(_requests, _jobs, _frames, Lane, sessionId, logger);
    }

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
            _frames.DropHeldFrames();
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
            return _end is null ? Dispatch(envelope, size) : null;
        }
    }

    public void OnUnreadable(FrameError error)
    {
        if (error.Kind is FrameErrorKind.InvalidPayload)
        {
            lock (_gate)
            {
                _answers.OnUnreadable(error);
            }
        }
    }

    public void OnEnded(ConnectionEnd end)
    {
        lock (_gate)
        {
            _end = _closing is null
                ? end with { Cause = end.Cause ?? _answers.LastUnrelated }
                : end with { Message = _closing.Message };
            end = _end;
            foreach (PendingRequest request in _requests.TakeAll())
            {
                request.Fail(Lost(end, request.IsSent));
            }

            _jobs.LoseAll(() => Lost(end, isOutcomeUnknown: true));
        }
    }

    private static ArcpConnectionException Lost(ConnectionEnd end, bool isOutcomeUnknown) => new(end.Message, end.Cause, isOutcomeUnknown);

    private ConnectionEnd? Dispatch(Envelope envelope, int size)
    {
        switch (envelope.Message)
        {
            case JobEvent or JobResult or JobCancelled when (envelope.Header.JobId ?? (envelope.Message as JobCancelled)?.JobId) is { } jobId:
                _frames.Take(jobId, envelope, size);
                return null;
            case JobError error:
                _answers.OnJobError(envelope, error, size);
                return null;
            case JobAccepted accepted:
                _answers.OnAccepted(envelope.Header, accepted);
                return null;
            case SessionError error:
                return _answers.OnSessionError(envelope.Header, error);
            case SessionClosed closed:
                return new ConnectionEnd(
                    string.IsNullOrEmpty(closed.Reason) ? "The runtime has closed the session." : $"The runtime has closed the session: {closed.Reason}",
                    IsOrderly: true);
            case SessionPong:
                return null;
            default:
                Log.FrameIgnored(_logger, _sessionId, envelope.Message.GetType().Name, "It names no job and answers nothing that was asked.");
                return null;
        }
    }
}
