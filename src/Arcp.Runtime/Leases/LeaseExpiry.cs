namespace Arcp.Runtime.Leases;

/// <summary>When a lease ends (§9.5), on the monotonic clock: setting the wall clock does not move it.</summary>
internal sealed class LeaseExpiry
{
    private readonly TimeProvider _clock;
    private readonly long _start;

    private LeaseExpiry(DateTimeOffset at, TimeSpan length, TimeProvider clock)
    {
        At = at;
        Length = length;
        _clock = clock;
        _start = clock.GetTimestamp();
    }

    /// <summary>The moment as the client gave it.</summary>
    public DateTimeOffset At { get; }

    /// <summary>How long the lease holds from its acceptance on.</summary>
    public TimeSpan Length { get; }

    /// <summary>How long it still holds; 0 or less when it has ended.</summary>
    public TimeSpan Left => Length - _clock.GetElapsedTime(_start);

    /// <summary>Whether it has ended.</summary>
    public bool HasPassed => Left <= TimeSpan.Zero;

    /// <summary>Starts to measure.</summary>
    public static LeaseExpiry Start(DateTimeOffset at, TimeProvider clock) => new(at, at - clock.GetUtcNow(), clock);
}
