using System.Collections.Concurrent;

namespace Arcp.Runtime.Tests.Support;

/// <summary>Does things at the same moment, on threads that wait for each other at a barrier, round after round.</summary>
public sealed class Race : IDisposable
{
    private readonly Barrier _barrier;
    private readonly Thread[] _threads;
    private readonly ConcurrentQueue<Exception> _failures = new();
    private volatile Action<int>? _act;

    public Race(int runners)
    {
        _barrier = new Barrier(runners + 1);
        _threads = [.. Enumerable.Range(0, runners).Select(runner => new Thread(() => Run(runner)) { IsBackground = true })];
        Array.ForEach(_threads, thread => thread.Start());
    }

    /// <summary>One round: every runner acts, given its number. Ends when all have.</summary>
    public void Round(Action<int> act)
    {
        _act = act;
        Meet();
        Meet();
        if (_failures.TryDequeue(out Exception? failure))
        {
            throw new InvalidOperationException("A runner failed.", failure);
        }
    }

    public void Dispose()
    {
        _act = null;
        Meet();
        Array.ForEach(_threads, thread => thread.Join());
        _barrier.Dispose();
    }

    private void Run(int runner)
    {
        while (true)
        {
            Meet();
            if (_act is not { } act)
            {
                return;
            }

            try
            {
                act(runner);
            }
#pragma warning disable CA1031 // Whatever it is, the round's caller is told.
            catch (Exception e)
#pragma warning restore CA1031
            {
                _failures.Enqueue(e);
            }

            Meet();
        }
    }

    private void Meet() => _barrier.SignalAndWait(WireClient.Patience).Should().BeTrue("all runners come to the barrier");
}
