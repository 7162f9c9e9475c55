namespace Arcp.Client.Connections;

/// <summary>What bounds a connection.</summary>
/// <param name="MaxFrameBytes">The largest frame that is accepted.</param>
/// <param name="QueueCapacity">How many requests may wait to be written.</param>
/// <param name="CloseTimeout">How long an orderly end may take on either side.</param>
internal sealed record ConnectionLimits(int MaxFrameBytes, int QueueCapacity, TimeSpan CloseTimeout);
