namespace Arcp.Runtime.Time;

/// <summary>Something that happens once and that few wait for: it costs one field until somebody does.</summary>
/// <remarks>Thread-safe. A struct with state: keep it in a field that is not readonly. Whoever waits does not run on the thread that calls <see cref="Set"/>.</remarks>
internal struct EndSignal
{
    private static readonly TaskCompletionSource Over = CreateOver();

    private TaskCompletionSource? _source;

    /// <summary>Whether it has happened.</summary>
    public bool IsSet => Volatile.Read(ref _source) == Over;

    /// <summary>Ends when it happens.</summary>
    public Task Task
    {
        get
        {
            if (Volatile.Read(ref _source) is { } known)
            {
                return known.Task;
            }

            var source = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return (Interlocked.CompareExchange(ref _source, source, null) ?? source).Task;
        }
    }

    /// <summary>It happens now; later calls do nothing.</summary>
    public void Set() => Interlocked.Exchange(ref _source, Over)?.TrySetResult();

    private static TaskCompletionSource CreateOver()
    {
        var over = new TaskCompletionSource();
        over.SetResult();
        return over;
    }
}
