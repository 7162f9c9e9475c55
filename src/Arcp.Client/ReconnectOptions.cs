namespace Arcp.Client;

/// <summary>What a client does when its connection is lost (§6.3): it connects again through the same uri or factory and resumes its session.</summary>
public sealed class ReconnectOptions
{
    /// <summary>Whether to connect again. When not, everybody who waits gets an <see cref="ArcpConnectionException"/> as soon as the connection is lost. Default true.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>The first attempt comes after a random wait of up to this; the ceiling doubles with each further attempt. Greater than zero; default 200 ms.</summary>
    public TimeSpan InitialDelay { get; set; } = TimeSpan.FromMilliseconds(200);

    /// <summary>The highest ceiling. At least <see cref="InitialDelay"/>; default 30 seconds.</summary>
    public TimeSpan MaxDelay { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long after the loss attempts may still begin; then the client gives up. Zero or more, or <see cref="Timeout.InfiniteTimeSpan"/>; default 10 minutes.</summary>
    public TimeSpan GiveUpAfter { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>Where the randomness of the waits comes from; for tests.</summary>
    internal Func<double> Jitter { get; set; } = Random.Shared.NextDouble;

    internal ReconnectOptions Validated()
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(InitialDelay, TimeSpan.Zero, nameof(InitialDelay));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxDelay, InitialDelay, nameof(MaxDelay));
        if (GiveUpAfter != Timeout.InfiniteTimeSpan)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(GiveUpAfter, TimeSpan.Zero, nameof(GiveUpAfter));
        }

        return (ReconnectOptions)MemberwiseClone();
    }
}
