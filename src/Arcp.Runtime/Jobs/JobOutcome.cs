using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Messages;

namespace Arcp.Runtime.Jobs;

/// <summary>How a job ended. Every terminal job has exactly one (§7.3).</summary>
internal abstract record JobOutcome
{
    private JobOutcome()
    {
    }

    public static JobOutcome ShutDown { get; } = new Failed(ErrorCode.InternalError, "The runtime is shutting down.", Retryable: true);

    public static JobOutcome LeaseHasExpired { get; } = new Failed(ErrorCode.LeaseExpired, "The job's lease has expired.", Retryable: false);

    public static JobOutcome ParentEnded { get; } = new Cancellation("its parent job has ended.");

    public abstract JobStatus Status { get; }

    /// <summary>The process ended while the job ran, and another one has found it.</summary>
    public static JobOutcome Interrupted { get; } = new Failed(ErrorCode.InternalError, "the runtime restarted while the job ran", Retryable: true);

    /// <summary>The terminal frame that tells it.</summary>
    public abstract ArcpMessage ToMessage(JobId jobId);

    public static Failed From(ArcpException error) => new(error.Code, error.Message, error.Retryable) { Details = error.Details };

    public sealed record Succeeded(RawJson Result) : JobOutcome
    {
        /// <summary>A line for people.</summary>
        public string? Summary { get; init; }

        public override JobStatus Status => JobStatus.Success;

        public override ArcpMessage ToMessage(JobId jobId) => new JobResult { FinalStatus = Status, Result = Result, Summary = Summary };
    }

    /// <summary>The result was streamed before (§8.4).</summary>
    /// <param name="ResultId">Which result.</param>
    /// <param name="Size">Its decoded bytes.</param>
    /// <param name="Summary">A line for people.</param>
    public sealed record SucceededByStream(ResultId ResultId, long Size, string? Summary) : JobOutcome
    {
        public override JobStatus Status => JobStatus.Success;

        public override ArcpMessage ToMessage(JobId jobId) => new JobResult { FinalStatus = Status, ResultId = ResultId, ResultSize = Size, Summary = Summary };
    }

    public sealed record Failed(ErrorCode Code, string Message, bool Retryable) : JobOutcome
    {
        public RawJson? Details { get; init; }

        public override JobStatus Status => JobStatus.Error;

        public override ArcpMessage ToMessage(JobId jobId) =>
            new JobError { JobId = jobId, FinalStatus = Status, Code = Code, Message = Message, Retryable = Retryable, Details = Details };
    }

    public sealed record Cancellation(string? Reason) : JobOutcome
    {
        public override JobStatus Status => JobStatus.Cancelled;

        public override ArcpMessage ToMessage(JobId jobId) => new JobError
        {
            JobId = jobId,
            FinalStatus = Status,
            Code = ErrorCode.Cancelled,
            Message = string.IsNullOrWhiteSpace(Reason) ? "The job was cancelled." : $"The job was cancelled: {Reason}",
            Retryable = false,
        };
    }

    /// <summary>It has ended, and its log tells how.</summary>
    public sealed record Told(JobStatus EndedWith) : JobOutcome
    {
        public override JobStatus Status => EndedWith;

        public override ArcpMessage ToMessage(JobId jobId) => throw new InvalidOperationException("How it ended stands in the job's log already.");
    }

    public sealed record Overrun(TimeSpan Limit) : JobOutcome
    {
        public override JobStatus Status => JobStatus.TimedOut;

        public override ArcpMessage ToMessage(JobId jobId) => new JobError
        {
            JobId = jobId,
            FinalStatus = Status,
            Code = ErrorCode.Timeout,
            Message = FormattableString.Invariant($"The job ran longer than its max_runtime_sec of {Limit.TotalSeconds}."),
            Retryable = false,
        };
    }
}
