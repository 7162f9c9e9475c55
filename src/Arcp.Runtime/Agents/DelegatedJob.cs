using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Messages;
using Arcp.Runtime.Jobs;

namespace Arcp.Runtime.Agents;

/// <summary>A job that another job has delegated work to (§10). It ends at the latest when its parent does.</summary>
/// <remarks>Thread-safe.</remarks>
public sealed class DelegatedJob
{
    private readonly Job _job;
    private readonly TaskCompletionSource<DelegatedOutcome> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal DelegatedJob(Job job)
    {
        _job = job;
        var watch = new EndWatch(this);
        job.Attach(watch);
        watch.OnAppended(); // it may have ended before anybody watched
    }

    /// <summary>The child.</summary>
    public JobId JobId => _job.Spec.Id;

    /// <summary>Its agent, as <c>name@version</c>.</summary>
    public string Agent => _job.Spec.Agent.Reference;

    /// <summary>Where it is in its life at this moment (§7.3).</summary>
    public JobStatus Status => _job.State.Status;

    /// <summary>How the child ended, also when it failed. Never fails itself.</summary>
    public Task<DelegatedOutcome> Completion => _completion.Task;

    /// <summary>Waits for the child's result.</summary>
    /// <param name="cancellationToken">Ends the waiting, not the child.</param>
    /// <returns>The result; see <see cref="DelegatedOutcome.Result"/>.</returns>
    /// <exception cref="ArcpException">The child did not succeed; with its code and message.</exception>
    public async Task<RawJson> GetResultAsync(CancellationToken cancellationToken = default)
    {
        DelegatedOutcome outcome = await Completion.WaitAsync(cancellationToken).ConfigureAwait(false);
        return outcome.Error is { } error ? throw error : outcome.Result ?? RawJson.Null;
    }

    /// <summary>Ends the child as cancelled, unless it has ended already.</summary>
    /// <param name="reason">Why, for people.</param>
    /// <returns>Whether it was still active.</returns>
    public bool Cancel(string? reason = null) => _job.TryApply(new JobSignal.Stopped(new JobOutcome.Cancellation(reason)));

    private void CompleteIfEnded(JobReader watch)
    {
        if (_job.State is JobState.Ended { Outcome: not JobOutcome.Told } ended && _completion.TrySetResult(DelegatedOutcome.Of(ended.Outcome, _job)))
        {
            _job.Detach(watch);
        }
    }

    /// <summary>Waits for the terminal entry in the child's log.</summary>
    private sealed class EndWatch(DelegatedJob child) : JobReader
    {
        public override void OnAppended() => child.CompleteIfEnded(this);

        public override void OnStalled()
        {
            // It holds nobody back.
        }
    }
}

/// <summary>How a child job ended.</summary>
public sealed record DelegatedOutcome
{
    /// <summary>Its final status.</summary>
    public required JobStatus Status { get; init; }

    /// <summary>Its result when it succeeded. A streamed one is put together as one JSON string, and null when memory no longer holds its first chunks.</summary>
    public RawJson? Result { get; init; }

    /// <summary>The streamed result (§8.4), when there is one.</summary>
    public ResultId? ResultId { get; init; }

    /// <summary>The size of the streamed result in decoded bytes.</summary>
    public long? ResultSize { get; init; }

    /// <summary>Why it did not succeed; null when it did.</summary>
    public ArcpException? Error { get; init; }

    internal static DelegatedOutcome Of(JobOutcome outcome, Job job) => outcome.ToMessage(job.Spec.Id) switch
    {
        JobResult result => new DelegatedOutcome { Status = outcome.Status, Result = result.Result ?? StreamedResult.TryAssemble(job), ResultId = result.ResultId, ResultSize = result.ResultSize },
        JobError error => new DelegatedOutcome
        {
            Status = outcome.Status,
            Error = new ArcpException(error.Code, error.Message ?? string.Empty, error.Retryable) { Details = error.Details },
        },
        _ => throw new InvalidOperationException("A job ends with a result or an error."),
    };
}
