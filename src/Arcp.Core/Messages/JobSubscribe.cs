using Arcp.Core.Ids;

namespace Arcp.Core.Messages;

/// <summary><c>job.subscribe</c> (client to runtime, §7.6): asks for a job's events.</summary>
public sealed record JobSubscribe : ArcpMessage
{
    /// <summary>The job; may stand on the envelope instead.</summary>
    public JobId? JobId { get; init; }

    /// <summary>Events of the job's log above this number; 0 = from the start.</summary>
    public long? FromEventSeq { get; init; }

    /// <summary>Whether past events are wanted.</summary>
    public bool? History { get; init; }
}
