using Arcp.Core.Events;

namespace Arcp.Core.Messages;

/// <summary><c>job.event</c> (runtime to client, §8): something a job did.</summary>
public sealed record JobEvent : ArcpMessage
{
    /// <summary>When it happened; absent in frames of some runtimes.</summary>
    public DateTimeOffset? Ts { get; init; }

    /// <summary>What happened: one record per event kind, <see cref="RawEvent"/> for unknown ones.</summary>
    public required EventBody Body { get; init; }

    /// <summary>The kind as it stands on the wire.</summary>
    public string Kind => Body.Kind;
}
