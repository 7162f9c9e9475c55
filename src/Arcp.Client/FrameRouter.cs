using Arcp.Client.Collections;
using Arcp.Client.Connections;
using Arcp.Client.Diagnostics;
using Arcp.Client.Jobs;
using Arcp.Client.Requests;
using Arcp.Core.Ids;
using Arcp.Core.Messages;
using Arcp.Core.Serialization;
using Microsoft.Extensions.Logging;

namespace Arcp.Client;

/// <summary>Takes each frame to what it is for: a job, a request, or nobody in particular. Checks the numbers first (§8.3). Not thread-safe: the dispatcher's lock guards it.</summary>
internal sealed class FrameRouter
{
    private readonly PendingRequests _requests;
    private readonly EventSequence _sequence = new();
    private readonly JobFrames _frames;
    private readonly AnswerRouter _answers;
    private readonly UnclaimedMessages _unclaimed;
    private readonly ILogger _logger;
    private IReadOnlyList<PendingRequest> _doubtful = [];
    private string? _barrier;

    public FrameRouter(PendingRequests requests, JobTable jobs, SubmitLane lane, TrackerLimits limits, UnclaimedMessages unclaimed, ILogger logger)
    {
        _requests = requests;
        _unclaimed = unclaimed;
        _logger = logger;
        _frames = new JobFrames(jobs, requests, limits, unclaimed, logger);
        _answers = new AnswerRouter(requests, jobs, _frames, lane, logger);
    }

    /// <summary>The highest number below which none is missing; may be read from any thread.</summary>
    public long ProcessedSeq => _sequence.Last;

    /// <summary>Whether the connection has brought anything that moves the session on.</summary>
    public bool HasProgressed { get; private set; }

    /// <summary>The last error that answered no request: when the connection ends next, it is the likely reason.</summary>
    public Exception? LastUnrelated => _answers.LastUnrelated;

    /// <summary>A connection of a new session begins.</summary>
    public void BeginNew(SessionId sessionId)
    {
        Begin(sessionId);
        _sequence.Reset();
        (_barrier, _doubtful) = (null, []);
    }

    /// <summary>A connection begins that goes on with the session.</summary>
    /// <param name="sessionId">The session.</param>
    /// <param name="barrier">The nonce of a ping that may be sent first: what the lost connection owed us comes before its answer.</param>
    /// <returns>Whether that ping is needed.</returns>
    public bool BeginResumed(SessionId sessionId, string barrier)
    {
        Begin(sessionId);
        _sequence.Resume();
        (_barrier, _doubtful) = (barrier, _requests.Doubtful());
        return _doubtful.Count > 0;
    }

    /// <summary>Gives up held frames when no acceptance can be on the way.</summary>
    public void DropHeldFrames() => _frames.DropHeldFrames();

    /// <summary>Wakes those who wait for events that have come since the last call.</summary>
    public void WakeReaders() => _frames.WakeReaders();

    /// <summary>Routes a frame.</summary>
    /// <returns>Why the connection has to end; null = it goes on.</returns>
    public ConnectionEnd? OnFrame(Envelope envelope, int size) =>
        // Each number once and in order; only the next one changes anything.
        envelope is { Header.EventSeq: { } seq, Message: JobEvent or JobResult or JobError } && _sequence.Step(seq) is var step and not SequenceStep.Next
            ? ToEnd(step)
            : Dispatch(envelope, size);

    /// <summary>Takes note of a frame that cannot be read.</summary>
    /// <returns>Why the connection has to end; null = it goes on.</returns>
    public ConnectionEnd? OnUnreadable(FrameError error)
    {
        // It had a number all the same, and would have it again after a resume.
        if (error is { Header.EventSeq: { } seq, Type: "job.event" or "job.result" or "job.error" } && _sequence.Step(seq) is var step and not SequenceStep.Next)
        {
            return ToEnd(step);
        }

        if (error.Kind is FrameErrorKind.InvalidPayload)
        {
            _answers.OnUnreadable(error);
        }

        return null;
    }

    private static ConnectionEnd? ToEnd(SequenceStep step) => step switch
    {
        SequenceStep.Gap => new ConnectionEnd("Frames are missing in what the runtime has sent."),
        SequenceStep.LostForGood => new ConnectionEnd("Frames are missing in what the runtime has sent again.") { CannotResume = true },
        _ => null,
    };

    private void Begin(SessionId sessionId)
    {
        (_answers.SessionId, _answers.LastUnrelated) = (sessionId, null);
        HasProgressed = false;
    }

    private ConnectionEnd? Dispatch(Envelope envelope, int size)
    {
        bool isClaimed = true;
        ConnectionEnd? end = null;
        switch (envelope.Message)
        {
            case JobEvent or JobResult or JobCancelled when (envelope.Header.JobId ?? (envelope.Message as JobCancelled)?.JobId) is { } jobId:
                _frames.Take(jobId, envelope, size);
                break;
            case JobError error:
                isClaimed = _answers.OnJobError(envelope, error, size);
                break;
            case JobAccepted accepted:
                isClaimed = _answers.OnAccepted(envelope.Header, accepted);
                break;
            case JobSubscribed subscribed:
                isClaimed = _answers.OnSubscribed(envelope.Header, subscribed);
                break;
            case SessionJobs page:
                isClaimed = _answers.OnPage(envelope.Header, page);
                break;
            case SessionError error:
                (end, isClaimed) = _answers.OnSessionError(envelope.Header, error);
                return Unclaim(envelope, isClaimed) ?? end;
            case SessionClosed closed:
                return new ConnectionEnd(
                    string.IsNullOrEmpty(closed.Reason) ? "The runtime has closed the session." : $"The runtime has closed the session: {closed.Reason}",
                    IsOrderly: true);
            case SessionPong pong:
                PassBarrier(pong);
                return null;
            default:
                Log.FrameIgnored(_logger, _answers.SessionId, envelope.Message.GetType().Name, "It names no job and answers nothing that was asked.");
                isClaimed = false;
                break;
        }

        HasProgressed = true;
        return Unclaim(envelope, isClaimed);
    }

    private ConnectionEnd? Unclaim(Envelope envelope, bool isClaimed)
    {
        if (!isClaimed)
        {
            _unclaimed.Add(envelope);
        }

        return null;
    }

    // What the runtime still owed us stood before its answer to this ping, so no answer to these will come. Should one come all the same,
    // it is recognised and answers nothing else.
    private void PassBarrier(SessionPong pong)
    {
        if (_barrier is null || pong.PingNonce != _barrier)
        {
            return;
        }

        foreach (PendingRequest request in _doubtful.Where(request => !request.IsAnswered))
        {
            request.Fail(new ArcpConnectionException("The connection was lost before the runtime's answer.", null, isOutcomeUnknown: true));
            _requests.Abandon(request);
        }

        (_barrier, _doubtful) = (null, []);
        _frames.DropHeldFrames();
    }
}
