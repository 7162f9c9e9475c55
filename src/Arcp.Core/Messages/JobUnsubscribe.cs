using Arcp.Core.Ids;

namespace Arcp.Core.Messages;

/// <summary><c>job.unsubscribe</c> (client to runtime, §7.6): ends a subscription; harmless when there is none.</summary>
public sealed record JobUnsubscribe : ArcpMessage
{
    /// <summary>The job; may stand on the envelope instead.</summary>
    public JobId? JobId { get; init; }
}
