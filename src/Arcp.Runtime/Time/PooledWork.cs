using System.Collections.Concurrent;

namespace Arcp.Runtime.Time;

/// <summary>Work for the thread pool: many items with one wake-up of a thread, and none behind another that takes its time.</summary>
/// <remarks>
/// Thread-safe. A thread that takes an item has asked for another thread first, if there are more items; so work that keeps its thread holds nobody up. It runs without
/// the ambient context of whoever added it.
/// </remarks>
/// <param name="run">Does an item's work; does not throw.</param>
internal sealed class PooledWork<T>(Action<T> run) : IThreadPoolWorkItem
{
    /// <summary>How many items a thread takes before it goes to the end of the pool's queue.</summary>
    private const int Turn = 256;

    private readonly ConcurrentQueue<T> _queue = new();
    private int _isAsked;

    /// <summary>Adds an item; whoever does calls <see cref="Release"/> soon.</summary>
    public void Add(T item) => _queue.Enqueue(item);

    /// <summary>Asks for a thread to do what was added.</summary>
    public void Release()
    {
        if (!_queue.IsEmpty && Interlocked.Exchange(ref _isAsked, 1) == 0)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: true);
        }
    }

    /// <inheritdoc/>
    public void Execute()
    {
        Interlocked.Exchange(ref _isAsked, 0); // before the look into the queue: who adds behind it asks again
        for (int i = 0; i < Turn && _queue.TryDequeue(out T? item); i++)
        {
            Release();
            run(item);
        }
    }
}
