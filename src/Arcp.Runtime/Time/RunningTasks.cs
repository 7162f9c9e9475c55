using System.Collections.Concurrent;

namespace Arcp.Runtime.Time;

/// <summary>Owns tasks that nobody else awaits, until they have ended, however they end.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class RunningTasks
{
    private readonly ConcurrentDictionary<TaskCompletionSource, byte> _running = new();

    public int Count => _running.Count;

    public bool IsEmpty => _running.IsEmpty;

    public void Add(Task task)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _running[ended] = 0;
        _ = RemoveAsync(task, ended); // never fails
    }

    /// <summary>Ends when no task is left, those included that begin meanwhile.</summary>
    public async Task WhenEmptyAsync()
    {
        while (!_running.IsEmpty)
        {
            await Task.WhenAll(_running.Keys.Select(ended => ended.Task)).ConfigureAwait(false);
        }
    }

    // Removed first, then ended: whoever wakes up does not find it again.
    private async Task RemoveAsync(Task task, TaskCompletionSource ended)
    {
        await task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _running.TryRemove(ended, out _);
        ended.SetResult();
    }
}
