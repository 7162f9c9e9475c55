namespace Arcp.Runtime;

/// <summary>What a runtime holds at one moment.</summary>
public sealed record ArcpRuntimeStatistics
{
    /// <summary>Connections, welcomed or not.</summary>
    public required int Connections { get; init; }

    /// <summary>Sessions, connected or waiting to be resumed.</summary>
    public required int Sessions { get; init; }

    /// <summary>Jobs, at work or retained.</summary>
    public required int Jobs { get; init; }

    /// <summary>Jobs that have not ended.</summary>
    public required int RunningJobs { get; init; }

    /// <summary>Agents that have not returned; one that ignores cancellation outlives its job.</summary>
    public required int RunningAgents { get; init; }

    /// <summary>Idempotency keys that are remembered.</summary>
    public required int IdempotencyEntries { get; init; }

    /// <summary>Bytes in jobs' logs.</summary>
    public required long BufferedBytes { get; init; }

    /// <summary>Timeouts, windows and retentions that are pending.</summary>
    public required int PendingDeadlines { get; init; }
}
