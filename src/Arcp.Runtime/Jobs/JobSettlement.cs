using Arcp.Runtime.Configuration;
using Arcp.Runtime.Diagnostics;
using Arcp.Runtime.Time;
using Microsoft.Extensions.Logging;

namespace Arcp.Runtime.Jobs;

/// <summary>Takes back what was lent to a job whose end is decided, and then lets the end be shown (§9.8). Owns every task that it starts.</summary>
internal sealed class JobSettlement(ArcpRuntimeOptions options, TimeProvider clock, ILogger logger)
{
    private readonly RunningTasks _running = new();

    /// <summary>Begins to take back. The provisioner is the host's code: it runs on a thread of its own, not on the one that ended the job.</summary>
    public void Begin(Job job) => _running.Add(Task.Run(() => SettleAsync(job)));

    /// <summary>Ends when every end that is decided is shown.</summary>
    public Task WaitAsync() => _running.WhenEmptyAsync();

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
