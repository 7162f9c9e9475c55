using Arcp.Core.Ids;

namespace Arcp.Core.Messages;

/// <summary><c>job.cancel</c> (client to runtime, §7.4): ends a job of this session.</summary>
public sealed record JobCancel : ArcpMessage
{
    /// <summary>The job; may stand on the envelope instead.</summary>
    public JobId? JobId { get; init; }

    /// <summary>Why.</summary>
    public string? Reason { get; init; }
}
