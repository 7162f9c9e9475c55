namespace Arcp.Client.Connections;

/// <summary>Exponential back-off with full jitter: each wait is a random part of a ceiling that doubles. Not thread-safe.</summary>
/// <param name="initial">The first ceiling.</param>
/// <param name="max">The highest ceiling.</param>
/// <param name="random">Gives numbers from 0 to 1.</param>
internal sealed class Backoff(TimeSpan initial, TimeSpan max, Func<double> random)
{
    /// <summary>How many waits there have been since the last <see cref="Reset"/>.</summary>
    public int Attempts { get; private set; }

    /// <summary>The next wait.</summary>
    public TimeSpan Next()
    {
        double ceiling = Math.Min(max.TotalMilliseconds, initial.TotalMilliseconds * Math.Pow(2, Math.Min(Attempts, 60)));
        Attempts++;
        return TimeSpan.FromMilliseconds(ceiling * random());
    }

    /// <summary>Starts again with the first ceiling.</summary>
    public void Reset() => Attempts = 0;
}
