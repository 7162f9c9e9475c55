namespace Arcp.Runtime.Credentials;

/// <summary>Calls the host's code so that it cannot hold the caller up: not by hanging, not by ignoring its token, not by blocking the thread.</summary>
internal static class BoundedCall
{
    /// <summary>Runs a call for no longer than the limit.</summary>
    /// <exception cref="TimeoutException">The limit has passed. The call's token is cancelled; nobody waits for it any more.</exception>
    public static async Task<T> RunAsync<T>(Func<CancellationToken, ValueTask<T>> call, TimeSpan limit, TimeProvider clock, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(limit, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        CancellationToken token = either.Token;
        Task<T> task = Task.Run(() => call(token).AsTask(), CancellationToken.None);
        try
        {
            return await task.WaitAsync(token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (token.IsCancellationRequested)
        {
            Observe(task);
            cancellationToken.ThrowIfCancellationRequested();
            throw new TimeoutException("It took too long.");
        }
    }

    /// <inheritdoc cref="RunAsync{T}"/>
    public static Task RunAsync(Func<CancellationToken, ValueTask> call, TimeSpan limit, TimeProvider clock, CancellationToken cancellationToken) =>
        RunAsync(
            async ValueTask<bool> (token) =>
            {
                await call(token).ConfigureAwait(false);
                return true;
            },
            limit,
            clock,
            cancellationToken);

    /// <summary>Keeps the failure of a task that nobody awaits from being reported as unobserved.</summary>
    public static void Observe(Task task) =>
        task.ContinueWith(static failed => _ = failed.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
}
