using System.Collections.Concurrent;
using Arcp.Runtime.Configuration;
using Arcp.Runtime.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Arcp.Runtime.Jobs;

/// <summary>Takes back what was lent to a job whose end is decided, and then lets the end be shown (§9.8). Owns every task that it starts.</summary>
internal sealed class JobSettlement(ArcpRuntimeOptions options, TimeProvider clock, ILogger logger)
{
    private readonly ConcurrentDictionary<Job, Task> _running = new();

    /// <summary>Begins to take back.</summary>
    public void Begin(Job job)
    {
        // The provisioner is the host's code: it runs on a thread of its own, not on the one that ended the job.
        var isListed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _running[job] = Task.Run(async () =>
        {
            await isListed.Task.ConfigureAwait(false);
            await SettleAsync(job).ConfigureAwait(false);
            _running.TryRemove(job, out _);
        });
        isListed.SetResult();
    }

    /// <summary>Ends when every end that is decided is shown; no later than the time that one may take.</summary>
    public Task WaitAsync() => Task.WhenAll(_running.Values);

    private async Task SettleAsync(Job job)
    {
        try
        {
            await job.Spec.Credentials.RevokeAllAsync().WaitAsync(options.Credentials.RevocationWait, clock).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            Log.RevocationIsSlow(logger, job.Spec.Id);
        }
        finally
        {
            job.TryApply(JobSignal.TakenBack);
        }
    }
}
