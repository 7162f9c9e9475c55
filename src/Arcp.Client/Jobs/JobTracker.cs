using System.Buffers;
using Arcp.Core;
using Arcp.Core.Events;
using Arcp.Core.Ids;
using Arcp.Core.Messages;

namespace Arcp.Client.Jobs;

/// <summary>What the client knows of one job. Shared by all handles of the job.</summary>
/// <remarks>Changed under the dispatcher's lock only; what waiters look at can be read from any thread.</remarks>
internal sealed class JobTracker
{
    private readonly ResultChunks _chunks;
    private readonly TaskCompletionSource<JobEnding> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<Func<Exception>?> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile string _status = JobStatus.Pending.Value;
    private ArrayBufferWriter<byte>? _bytes;
    private TaskCompletionSource? _restored;
    private bool _hasAskedForHistory;
    private bool _hasAskedWithoutHistory;
    private long _position;
    private long _arrived;
    private long _completeAbove;

    /// <param name="jobId">The job.</param>
    /// <param name="trace">Its trace.</param>
    /// <param name="limits">What bounds its memory.</param>
    /// <param name="keepsResult">Whether a streamed result is put together here; if not, it is there as long as its events are.</param>
    /// <param name="family">Whose child the job is; null = it is followed for its own sake.</param>
    public JobTracker(JobId jobId, TraceContext? trace, TrackerLimits limits, bool keepsResult = true, JobFamily? family = null)
    {
        JobId = jobId;
        Trace = trace;
        (Family, IsChild) = (family, family is not null);
        Events = new EventLog(limits.Events, family?.Memory);
        MaxResultBytes = keepsResult ? limits.MaxResultBytes : long.MaxValue;
        _chunks = new ResultChunks(MaxResultBytes);
        _bytes = keepsResult ? new ArrayBufferWriter<byte>() : null;
        Children = new ChildList(limits.MaxChildren);
    }

    public JobId JobId { get; }

    public TraceContext? Trace { get; }

    /// <summary>How far the job's log has been seen (§8.3), as far as <see cref="IsPositionKnown"/>.</summary>
    public long Position => Volatile.Read(ref _position);

    /// <summary>Whether <see cref="Position"/> counts in the job's log, and not only what came here.</summary>
    public bool IsPositionKnown { get; set; } = true;

    /// <summary>Whether the runtime sends the job's frames because of a <c>job.subscribe</c>.</summary>
    public bool IsSubscribed { get; set; }

    /// <summary>Whether the session does not receive the job's frames until it has subscribed to them.</summary>
    public bool NeedsSubscription => _restored is not null;

    /// <summary>Ends when <see cref="NeedsSubscription"/> does.</summary>
    public Task Restored => _restored?.Task ?? Task.CompletedTask;

    /// <summary>Whether the session may have submitted the job after all, although the submit was repeated: then it receives all frames without a subscription.</summary>
    public bool MayBeOwn { get; set; }

    /// <summary>Whether frames that come before the subscription are from somewhere in the log, because the session reads the job for another reason, or has done so all the time.</summary>
    public bool IsUncounted { get; set; }

    /// <summary>Whether the session receives the frames of the job's children because it has submitted the job (§10).</summary>
    public bool ReceivesChildren => !IsSubscribed && !NeedsSubscription;

    public JobStatus Status => new(_status);

    public EventLog Events { get; }

    /// <summary>What the job has been lent and has left.</summary>
    public CurrentGrants Grants { get; } = new();

    /// <summary>The child jobs that the job has announced (§10).</summary>
    public ChildList Children { get; }

    /// <summary>The child jobs, of all generations, that are followed because this one is; guarded by the dispatcher's lock.</summary>
    public JobFamily? Family { get; set; }

    /// <summary>Whether the job is one of <see cref="Family"/>, and not the forebear of all.</summary>
    public bool IsChild { get; }

    /// <summary>The most bytes that a streamed result may have.</summary>
    public long MaxResultBytes { get; }

    /// <summary>What came of the job; known at the latest when <see cref="Ended"/> is, and never an error itself.</summary>
    public Task<JobEnding> Result => _result.Task;

    /// <summary>Ends when no frame of the job follows; its value makes the error when that is not because the job has ended.</summary>
    public Task<Func<Exception>?> Ended => _ended.Task;

    /// <summary>How many handles there are; guarded by the dispatcher's lock.</summary>
    public int Handles { get; set; }

    /// <summary>Whether events above a number of the job's log have not been received and will not be.</summary>
    public bool MissesAbove(long number) => number < Volatile.Read(ref _completeAbove);

    /// <summary>The session receives nothing of the job until it has subscribed.</summary>
    public void AwaitSubscription()
    {
        _restored ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        (IsSubscribed, MayBeOwn, IsUncounted) = (false, false, false);
        (_hasAskedForHistory, _hasAskedWithoutHistory) = (false, false);
        _arrived = _position;
    }

    /// <summary>No subscription is waited for any more.</summary>
    public void StopWaiting()
    {
        _restored?.TrySetResult();
        _restored = null;
    }

    /// <summary>The subscription that the job needs is about to be sent.</summary>
    /// <returns>Whether the session reads the job already when one that was sent before got through.</returns>
    public bool OnAsked(bool forHistory)
    {
        bool isRepeated = forHistory ? _hasAskedForHistory && !_hasAskedWithoutHistory : _hasAskedWithoutHistory;
        (_hasAskedForHistory, _hasAskedWithoutHistory) = (_hasAskedForHistory || forHistory, _hasAskedWithoutHistory || !forHistory);
        MayBeOwn &= forHistory;
        return isRepeated;
    }

    /// <summary>The job is followed from here on, for the first time.</summary>
    public void Begin(StreamStart start)
    {
        (_position, _arrived, IsPositionKnown, IsSubscribed) = (start.Above, start.Above, start.IsCertain, true);
        _completeAbove = start.IsPartial ? Math.Max(start.Above, 1) : start.Above;
    }

    /// <summary>The session receives the job's frames again. What has been seen before is passed over when it comes again, and what is left out is remembered.</summary>
    /// <param name="start">Where the frames begin.</param>
    /// <param name="mayHaveBegun">Whether frames that came before the runtime's answer are part of it.</param>
    public void GoOn(StreamStart start, bool mayHaveBegun)
    {
        StopWaiting();
        IsSubscribed = true;
        if (!start.HasHistory || !IsPositionKnown || start.Above > Position)
        {
            // Numbers grow whatever the runtime says; if they cannot be those of the log, that is known.
            IsPositionKnown = start.IsCertain && start.Above > Position;
            Volatile.Write(ref _completeAbove, Math.Max(start.Above, Position + 1));
            Volatile.Write(ref _position, _arrived = _completeAbove);
        }
        else if (!mayHaveBegun || _position == start.Asked)
        {
            _arrived = start.Above;
        }
    }

    /// <summary>Takes a state that the runtime has told outside the job's own frames.</summary>
    public void OnStatus(JobStatus status)
    {
        if (!status.IsTerminal && !_ended.Task.IsCompleted && _status == JobStatus.Pending.Value)
        {
            _status = status.Value; // the end is what the terminal frame says
        }
    }

    /// <summary>Takes an event.</summary>
    /// <returns>Why the streamed result cannot be used; null = nothing new about it.</returns>
    public string? OnEvent(JobEvent entry, int size)
    {
        if (_ended.Task.IsCompleted)
        {
            return null;
        }

        if (_status == JobStatus.Pending.Value)
        {
            _status = JobStatus.Running.Value;
        }

        NoteUncounted();

        // The other one is about the session and stands in no job's log (§6.5).
        if (entry.Body is not StatusEvent { Phase: "back_pressure" })
        {
            if (++_arrived <= Position)
            {
                return null; // seen before
            }

            Volatile.Write(ref _position, _arrived);
        }

        Grants.OnEvent(entry.Body, Position);
        Events.Append(entry, Position, size);
        if (_result.Task.IsCompleted)
        {
            return null;
        }

        if (_chunks.Take(entry.Body, out ReadOnlyMemory<byte> data) is { } problem)
        {
            FailResult(problem);
            return problem;
        }

        _bytes?.Write(data.Span);
        return null;
    }

    /// <summary>The job has succeeded.</summary>
    /// <returns>Why its result cannot be used; null = nothing new about it.</returns>
    public string? OnResult(JobResult message)
    {
        string? problem = null;
        RawJson? inline = message.Result ?? message.Output;
        if (!_result.Task.IsCompleted)
        {
            if (!IsStreamed(message, inline))
            {
                _result.TrySetResult(new JobEnding { Inline = inline ?? RawJson.Null, Summary = message.Summary });
            }
            else if ((problem = _chunks.Finish(message.ResultId, message.ResultSize)) is null)
            {
                _result.TrySetResult(new JobEnding { IsStreamed = true, Streamed = _bytes?.WrittenMemory, IsText = _chunks.IsText, Summary = message.Summary });
            }
            else
            {
                FailResult(problem);
            }
        }

        End(JobStatus.Success);
        return problem;
    }

    /// <summary>The job has ended without success.</summary>
    public void OnError(JobError message)
    {
        _result.TrySetResult(new JobEnding { Failure = () => ToException(message) });
        JobStatus status = message switch
        {
            { FinalStatus: { IsTerminal: true } named } when named != JobStatus.Success => named,
            _ when message.Code == ErrorCode.Cancelled => JobStatus.Cancelled,
            _ when message.Code == ErrorCode.Timeout => JobStatus.TimedOut,
            _ => JobStatus.Error,
        };
        End(status);
    }

    /// <summary>No frame of the job will be seen any more.</summary>
    public void Lose(Func<Exception> failure)
    {
        StopWaiting();
        _result.TrySetResult(new JobEnding { Failure = failure });
        if (_ended.TrySetResult(failure))
        {
            Events.Complete(failure);
        }
    }

    /// <summary>What an error frame says, as an exception.</summary>
    public static ArcpException ToException(JobError error) =>
        new(error.Code, error.Message ?? string.Empty, error.Retryable) { Details = error.Details ?? error.Detail };

    /// <summary>The error of a result that breaks the rules of §8.4.</summary>
    public static ArcpException BadResult(string problem) =>
        new(ErrorCode.InternalError, $"The job's streamed result cannot be used: {problem}.", retryable: false);

    // Some runtimes name a result id beside an inline result; what is there counts.
    private bool IsStreamed(JobResult message, RawJson? inline) =>
        _chunks.Any ? message.ResultId is not null || inline is null : message.ResultId is not null && inline is null;

    private void FailResult(string problem)
    {
        _result.TrySetResult(new JobEnding { Failure = () => BadResult(problem) });
        _bytes = null;
    }

    private void NoteUncounted()
    {
        // What comes before the answer to a subscription without history is from somewhere in the log too, and the answer may be lost.
        if (NeedsSubscription && (IsUncounted || _hasAskedWithoutHistory))
        {
            IsPositionKnown = false;
            Volatile.Write(ref _completeAbove, Math.Max(_completeAbove, Position + 1));
        }
    }

    private void End(JobStatus status)
    {
        NoteUncounted();
        StopWaiting();
        _bytes = null; // the outcome has them, if anybody
        if (!_ended.Task.IsCompleted)
        {
            _status = status.Value;
            _ended.TrySetResult(null);
            Events.Complete(null);
        }
    }
}

/// <summary>What bounds the memory of one job.</summary>
/// <param name="MaxResultBytes">The most bytes that a streamed result may have.</param>
/// <param name="Events">How much is kept of its events.</param>
/// <param name="MaxChildren">How many child jobs are followed along with it.</param>
internal sealed record TrackerLimits(long MaxResultBytes, EventLimits Events, int MaxChildren);
