using Arcp.Core;
using Arcp.Core.Events;
using Arcp.Core.Ids;
using Arcp.Core.Messages;

namespace Arcp.Client.Jobs;

/// <summary>What the client knows of one job. Shared by all handles of the job.</summary>
/// <remarks>Changed under the dispatcher's lock only; what waiters look at can be read from any thread.</remarks>
internal sealed class JobTracker
{
    private readonly ResultAssembler _chunks;
    private readonly TaskCompletionSource<JobEnding> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<Func<Exception>?> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile string _status = JobStatus.Pending.Value;
    private long _position;
    private long _arrived;

    public JobTracker(JobId jobId, TraceContext? trace, TrackerLimits limits)
    {
        JobId = jobId;
        Trace = trace;
        Events = new EventLog(limits.Events);
        _chunks = new ResultAssembler(limits.MaxResultBytes);
    }

    public JobId JobId { get; }

    public TraceContext? Trace { get; }

    /// <summary>How far the job's log has been seen (§8.3), as far as <see cref="IsPositionKnown"/>.</summary>
    public long Position
    {
        get => Volatile.Read(ref _position);
        set => Volatile.Write(ref _position, _arrived = value);
    }

    /// <summary>Whether <see cref="Position"/> counts in the job's log, and not only what came here.</summary>
    public bool IsPositionKnown { get; set; } = true;

    /// <summary>Whether the runtime sends the job's frames because of a <c>job.subscribe</c>.</summary>
    public bool IsSubscribed { get; set; }

    /// <summary>Whether the session does not receive the job's frames until it has subscribed to them.</summary>
    public bool NeedsSubscription { get; set; }

    public JobStatus Status => new(_status);

    public EventLog Events { get; }

    /// <summary>What came of the job; known at the latest when <see cref="Ended"/> is, and never an error itself.</summary>
    public Task<JobEnding> Result => _result.Task;

    /// <summary>Ends when no frame of the job follows; its value makes the error when that is not because the job has ended.</summary>
    public Task<Func<Exception>?> Ended => _ended.Task;

    /// <summary>How many handles there are; guarded by the dispatcher's lock.</summary>
    public int Handles { get; set; }

    /// <summary>The next event that comes is the one above a number. What has been seen of the job before is passed over when it comes again.</summary>
    public void GoOnAbove(long number) => _arrived = number;

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

        // The other one is about the session and stands in no job's log (§6.5).
        if (entry.Body is not StatusEvent { Phase: "back_pressure" })
        {
            if (++_arrived <= Position)
            {
                return null; // seen before
            }

            Volatile.Write(ref _position, _arrived);
        }

        Events.Append(entry, Position, size);
        string? problem = entry.Body switch
        {
            _ when _result.Task.IsCompleted => null,
            ResultChunkEvent chunk => _chunks.Add(chunk),
            RawEvent { Kind: "result_chunk" } => "a chunk is malformed",
            _ => null,
        };
        if (problem is not null)
        {
            FailResult(problem);
        }

        return problem;
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
            else if ((problem = _chunks.Finish(message.ResultId, message.ResultSize, out ReadOnlyMemory<byte> streamed)) is null)
            {
                _result.TrySetResult(new JobEnding { Streamed = streamed, IsText = _chunks.IsText, Summary = message.Summary });
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
        _result.TrySetResult(new JobEnding { Failure = failure });
        if (_ended.TrySetResult(failure))
        {
            Events.Complete(failure);
        }
    }

    /// <summary>What an error frame says, as an exception.</summary>
    public static ArcpException ToException(JobError error) =>
        new(error.Code, error.Message ?? string.Empty, error.Retryable) { Details = error.Details ?? error.Detail };

    // Some runtimes name a result id beside an inline result; what is there counts.
    private bool IsStreamed(JobResult message, RawJson? inline) =>
        _chunks.HasChunks ? message.ResultId is not null || inline is null : message.ResultId is not null && inline is null;

    private void FailResult(string problem) =>
        _result.TrySetResult(new JobEnding
        {
            Failure = () => new ArcpException(ErrorCode.InternalError, $"The job's streamed result cannot be used: {problem}.", retryable: false),
        });

    private void End(JobStatus status)
    {
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
internal sealed record TrackerLimits(long MaxResultBytes, EventLimits Events);
