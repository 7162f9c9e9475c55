using Arcp.Core.Ids;

namespace Arcp.Core.Messages;

/// <summary><c>job.cancelled</c> (runtime to client, §7.4): answers a cancel.</summary>
public sealed record JobCancelled : ArcpMessage
{
    /// <summary>The job; stands on the envelope alone in frames of some runtimes.</summary>
    public JobId? JobId { get; init; }

    /// <summary>The reason the canceller gave.</summary>
    public string? Reason { get; init; }

    /// <summary>True when the job had ended before.</summary>
    public bool? AlreadyTerminal { get; init; }

    /// <summary>How it had ended.</summary>
    public JobStatus? FinalStatus { get; init; }
}
