namespace Arcp.Runtime.Configuration;

/// <summary>How credentials are lent to jobs and taken back (§9.8). Read once, when the runtime is built, and validated then.</summary>
public sealed class CredentialOptions
{
    // The timers behind these waits, and the retries, take no more than a day.
    private static readonly TimeSpan LongestWait = TimeSpan.FromHours(24);

    /// <summary>How long a submit or a rotation waits for the provisioner. Default 30 s; greater than 0, at most 24 hours. A provisioner that is later has as long again to answer, so that what it issued can be revoked; then its token is cancelled.</summary>
    public TimeSpan IssueTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long the terminal frame of a job waits for the revocation of its credentials. Default 2 s; 0 to 24 hours. The revocation goes on afterwards.</summary>
    public TimeSpan RevocationWait { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How many times a value's revocation is tried before it is given up until the next start, and reported. Default 10, which takes about nine minutes; at least 1.</summary>
    public int RevocationAttempts { get; set; } = 10;

    /// <summary>The wait before the second attempt; it doubles, with jitter. Default 1 s; greater than 0, at most 24 hours.</summary>
    public TimeSpan RevocationBackoff { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest wait between two attempts. Default 5 minutes; at least <see cref="RevocationBackoff"/>, at most 24 hours.</summary>
    public TimeSpan MaxRevocationBackoff { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How long one attempt to revoke, or one call to the revocation store, may take. Default 10 s; greater than 0, at most 24 hours.</summary>
    public TimeSpan RevocationAttemptTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How many attempts run at once. Default 64; at least 1.</summary>
    public int MaxConcurrentRevocations { get; set; } = 64;

    /// <summary>Called when a revocation has been given up, once per value, on a thread of the pool; null (the default) = nobody. What it throws is logged and changes nothing.</summary>
    /// <remarks>The exception is what the provisioner threw last, as it is: it may hold what the provider answered, so do not log it unread.</remarks>
    public Action<AbandonedRevocation, Exception>? OnRevocationAbandoned { get; set; }

    /// <summary>Lists what is wrong, each with what is accepted.</summary>
    internal IEnumerable<string> FindErrors()
    {
        (bool Holds, string Rule)[] rules =
        [
            (IsWait(IssueTimeout), $"{nameof(IssueTimeout)} must be greater than 0 and at most 24 hours."),
            (RevocationWait == TimeSpan.Zero || IsWait(RevocationWait), $"{nameof(RevocationWait)} must be 0 or more and at most 24 hours."),
            (RevocationAttempts >= 1, $"{nameof(RevocationAttempts)} must be at least 1."),
            (IsWait(RevocationBackoff), $"{nameof(RevocationBackoff)} must be greater than 0 and at most 24 hours."),
            (IsWait(MaxRevocationBackoff) && MaxRevocationBackoff >= RevocationBackoff, $"{nameof(MaxRevocationBackoff)} must be at least {nameof(RevocationBackoff)} and at most 24 hours."),
            (IsWait(RevocationAttemptTimeout), $"{nameof(RevocationAttemptTimeout)} must be greater than 0 and at most 24 hours."),
            (MaxConcurrentRevocations >= 1, $"{nameof(MaxConcurrentRevocations)} must be at least 1."),
        ];
        return rules.Where(rule => !rule.Holds).Select(rule => $"{nameof(ArcpRuntimeOptions.Credentials)}.{rule.Rule}");
    }

    private static bool IsWait(TimeSpan wait) => wait > TimeSpan.Zero && wait <= LongestWait;
}
