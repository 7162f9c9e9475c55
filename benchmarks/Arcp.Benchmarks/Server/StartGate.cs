namespace Arcp.Benchmarks.Server;

/// <summary>Holds agents back until everybody who is to watch them is there.</summary>
/// <remarks>Thread-safe. Opening lets those through who wait, and nobody who comes later.</remarks>
internal sealed class StartGate
{
    private TaskCompletionSource _gate = Closed();
    private int _waiting;

    /// <summary>How many wait.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    public async Task WaitAsync()
    {
        Task open = Volatile.Read(ref _gate).Task;
        Interlocked.Increment(ref _waiting);
        await open;
    }

    public void Open()
    {
        Interlocked.Exchange(ref _waiting, 0);
        Interlocked.Exchange(ref _gate, Closed()).SetResult();
    }

    private static TaskCompletionSource Closed() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
