using Arcp.Core;
using Arcp.Core.Ids;

namespace Arcp.Runtime.Sessions;

/// <summary>What an outbox has to know of the connection that it sends on.</summary>
internal sealed record OutboxConnection
{
    /// <summary>The first frame.</summary>
    public required ReadOnlyMemory<byte> Welcome { get; init; }

    /// <summary>What may be sent (§6.2).</summary>
    public required Features Features { get; init; }

    /// <summary>Makes the last frame of a connection for which what it needs next, of one job perhaps, is gone.</summary>
    public required Func<JobId?, ReadOnlyMemory<byte>> SlowConsumerFrame { get; init; }

    /// <summary>Ends the connection because it has held an agent back for too long; returns at once.</summary>
    public required Action OnStalled { get; init; }
}
