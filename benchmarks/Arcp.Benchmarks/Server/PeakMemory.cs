namespace Arcp.Benchmarks.Server;

/// <summary>Looks at the managed heap every few milliseconds and keeps the highest, garbage included.</summary>
internal sealed class PeakMemory : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(5);

    private readonly ITimer _timer;
    private long _peak;

    public PeakMemory()
    {
        _timer = TimeProvider.System.CreateTimer(static peak => ((PeakMemory)peak!).Look(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public long Peak => Volatile.Read(ref _peak);

    public void Start()
    {
        Volatile.Write(ref _peak, GC.GetTotalMemory(forceFullCollection: false));
        _timer.Change(Interval, Interval);
    }

    public void Stop() => _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

    public void Dispose() => _timer.Dispose();

    private void Look() => Volatile.Write(ref _peak, Math.Max(_peak, GC.GetTotalMemory(forceFullCollection: false)));
}
