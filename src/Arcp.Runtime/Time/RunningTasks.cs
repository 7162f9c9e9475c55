namespace Arcp.Runtime.Time;

/// <summary>Owns tasks that nobody else awaits, until they have ended, however they end.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class RunningTasks
{
    private readonly Lock _lock = new();
    private int _count;
    private TaskCompletionSource? _empty;

    public int Count => Volatile.Read(ref _count);

    public bool IsEmpty => Count == 0;

    public void Add(Task task)
    {
        Begin();
        _ = EndBehindAsync(task); // never fails
    }

    /// <summary>Counts a task that is about to be started, and that calls <see cref="End"/> when it has ended, however it ends.</summary>
    public void Begin() => Interlocked.Increment(ref _count);

    /// <summary>A task that was counted by <see cref="Begin"/> has ended.</summary>
    public void End()
    {
        if (Interlocked.Decrement(ref _count) > 0)
        {
            return;
        }

        TaskCompletionSource? empty;
        lock (_lock)
        {
            (empty, _empty) = (_empty, null);
        }

        empty?.SetResult();
    }

    /// <summary>Ends when no task is left, those included that begin meanwhile.</summary>
    public async Task WhenEmptyAsync()
    {
        while (true)
        {
            Task empty;
            lock (_lock)
            {
                if (IsEmpty)
                {
                    return; // whoever is the last one comes for the lock afterwards
                }

                empty = (_empty ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            }

            await empty.ConfigureAwait(false);
        }
    }

    private async Task EndBehindAsync(Task task)
    {
        await task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        End();
    }
}
