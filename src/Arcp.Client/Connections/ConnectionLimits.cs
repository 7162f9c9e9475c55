using Arcp.Core.Ids;

namespace Arcp.Client.Connections;

/// <summary>What bounds a connection.</summary>
/// <param name="MaxFrameBytes">The largest frame that is accepted.</param>
/// <param name="QueueCapacity">How many requests may wait to be written.</param>
/// <param name="CloseTimeout">How long an orderly end may take on either side.</param>
internal sealed record ConnectionLimits(int MaxFrameBytes, int QueueCapacity, TimeSpan CloseTimeout);

/// <summary>What a welcome has settled for its connection.</summary>
/// <param name="SessionId">The session.</param>
/// <param name="Heartbeat">The heartbeat interval (§6.4); null = not negotiated.</param>
/// <param name="Acknowledges">Whether the client acknowledges what it has processed (§6.5).</param>
internal sealed record ConnectionTerms(SessionId SessionId, TimeSpan? Heartbeat, bool Acknowledges);
