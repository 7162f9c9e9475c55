using Arcp.Core.Ids;

namespace Arcp.Core.Messages;

/// <summary><c>job.error</c> (runtime to client, §12): the job ended without success, or, without a job, a request was refused.</summary>
public sealed record JobError : ArcpMessage
{
    /// <summary>The job; absent on a refusal.</summary>
    public JobId? JobId { get; init; }

    /// <summary><c>error</c>, <c>cancelled</c> or <c>timed_out</c>.</summary>
    public JobStatus? FinalStatus { get; init; }

    /// <summary>The code.</summary>
    public ErrorCode Code { get; init; }

    /// <summary>What went wrong.</summary>
    public string? Message { get; init; }

    /// <summary>Whether repeating may help; absent = the code's default.</summary>
    public bool? Retryable { get; init; }

    /// <summary>Further facts.</summary>
    public RawJson? Details
    {
        get;
        init => field = Absent.IfNull(value);
    }

    /// <summary>Further facts as a string, as some runtimes send them.</summary>
    public RawJson? Detail
    {
        get;
        init => field = Absent.IfNull(value);
    }
}
