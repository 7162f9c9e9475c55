namespace Arcp.Runtime.Configuration;

/// <summary>How a runtime uses its durable store. Without one they have no effect. Read once, when the runtime is built, and validated then.</summary>
public sealed class StorageOptions
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromHours(24);

    /// <summary>How many bytes may wait to be committed before agents have to wait. Default 8 MiB; at least 1.</summary>
    public long MaxUncommittedBytes { get; set; } = 8L * 1024 * 1024;

    /// <summary>How long a submit, a delegation or a handshake waits for its commit before it is refused. Default 10 s; greater than 0, at most 24 hours.</summary>
    public TimeSpan CommitTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>The wait before a commit that has failed is tried again; it doubles. Default 100 ms; greater than 0, at most 24 hours.</summary>
    public TimeSpan RetryBackoff { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>The longest wait between two tries. Default 5 s; at least <see cref="RetryBackoff"/>, at most 24 hours.</summary>
    public TimeSpan MaxRetryBackoff { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Lists what is wrong, each with what is accepted.</summary>
    internal IEnumerable<string> FindErrors()
    {
        (bool Holds, string Rule)[] rules =
        [
            (MaxUncommittedBytes >= 1, $"{nameof(MaxUncommittedBytes)} must be at least 1."),
            (IsWait(CommitTimeout), $"{nameof(CommitTimeout)} must be greater than 0 and at most 24 hours."),
            (IsWait(RetryBackoff), $"{nameof(RetryBackoff)} must be greater than 0 and at most 24 hours."),
            (IsWait(MaxRetryBackoff) && MaxRetryBackoff >= RetryBackoff, $"{nameof(MaxRetryBackoff)} must be at least {nameof(RetryBackoff)} and at most 24 hours."),
        ];
        return rules.Where(rule => !rule.Holds).Select(rule => $"{nameof(ArcpRuntimeOptions.Storage)}.{rule.Rule}");
    }

    private static bool IsWait(TimeSpan wait) => wait > TimeSpan.Zero && wait <= LongestWait;
}
