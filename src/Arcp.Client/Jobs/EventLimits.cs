namespace Arcp.Client.Jobs;

/// <summary>How much is kept of a job's events.</summary>
/// <param name="MaxEvents">How many events.</param>
/// <param name="MaxBytes">How many bytes, as they came in their frames. One event is kept however large it is.</param>
/// <param name="Dropped">Makes the error of a reader whose next event is no longer kept.</param>
internal sealed record EventLimits(int MaxEvents, long MaxBytes, Func<Exception> Dropped);
