namespace Arcp.Runtime;

/// <summary>What a runtime holds at one moment.</summary>
public sealed record ArcpRuntimeStatistics
{
    /// <summary>Connections, welcomed or not.</summary>
    public int Connections { get; init; }

    /// <summary>Sessions, connected or waiting to be resumed.</summary>
    public int Sessions { get; init; }

    /// <summary>Jobs, at work or retained.</summary>
    public int Jobs { get; init; }

    /// <summary>Jobs that have not ended.</summary>
    public int RunningJobs { get; init; }

    /// <summary>Agents that have not returned; one that ignores cancellation outlives its job.</summary>
    public int RunningAgents { get; init; }

    /// <summary>Idempotency keys that are remembered.</summary>
    public int IdempotencyEntries { get; init; }

    /// <summary>Bytes in jobs' logs.</summary>
    public long BufferedBytes { get; init; }

    /// <summary>Timeouts, windows and retentions that are pending.</summary>
    public int PendingDeadlines { get; init; }

    /// <summary>Values of credentials that are lent to jobs or still have to be revoked (§9.8), those given up included.</summary>
    public int OutstandingCredentials { get; init; }

    /// <summary>Bytes that the durable store has not committed yet, about.</summary>
    public long UncommittedBytes { get; init; }

    /// <summary>Whether the durable store cannot commit at the moment: requests are refused, and nothing is shown that it has not kept.</summary>
    public bool IsStoreFailing { get; init; }

    /// <summary>Values whose revocation was given up; the next start tries again. Anything but 0 needs somebody's attention.</summary>
    public int CredentialDeadLetters { get; init; }
}
