using System.Collections.Concurrent;

namespace Arcp.Runtime.Credentials;

/// <summary>Owns tasks that nobody else awaits. They must not fail unobserved: each handles what it throws, or has somebody who does.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class RunningTasks
{
    private readonly ConcurrentDictionary<Task, byte> _running = new();

    public bool IsEmpty => _running.IsEmpty;

    public void Add(Task task)
    {
        _running[task] = 0;
        _ = task.ContinueWith(
            static (ended, running) =>
            {
                _ = ended.Exception;
                ((ConcurrentDictionary<Task, byte>)running!).TryRemove(ended, out _);
            },
            _running,
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    /// <summary>Ends when no task is left, those included that begin meanwhile.</summary>
    public async Task WhenEmptyAsync()
    {
        while (!_running.IsEmpty)
        {
            await Task.WhenAll(_running.Keys).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
