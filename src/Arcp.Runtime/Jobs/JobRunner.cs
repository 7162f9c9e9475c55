using System.Diagnostics;
using Arcp.Core;
using Arcp.Runtime.Diagnostics;
using Arcp.Runtime.Leases;
using Arcp.Runtime.Time;
using Microsoft.Extensions.Logging;

namespace Arcp.Runtime.Jobs;

/// <summary>Runs jobs' agents and turns what becomes of them into signals. Owns every task that it starts.</summary>
internal sealed class JobRunner(JobRegistry jobs, JobSettlement settlement, DeadlineQueue deadlines, TimeProvider clock, ILogger logger)
{
    private readonly RunningTasks _running = new();
    private readonly PooledWork<(JobRunner Runner, Job Job, IJobWork Work)> _starts = new(static start => _ = start.Runner.RunAsync(start.Job, start.Work));

    /// <summary>How many agents have not returned yet; one that ignores cancellation outlives its job.</summary>
    public int AgentCount => _running.Count;

    /// <summary>Starts a job's agent on the thread pool.</summary>
    public void Start(Job job, IJobWork work)
    {
        StartSoon(job, work);
        StartHeld();
    }

    /// <summary>Starts a job's agent together with others: whoever calls this calls <see cref="StartHeld"/> before he waits for anything.</summary>
    public void StartSoon(Job job, IJobWork work)
    {
        _running.Begin();
        _starts.Add((this, job, work));
    }

    /// <summary>Starts what <see cref="StartSoon"/> was called with.</summary>
    public void StartHeld() => _starts.Release();

    /// <summary>Ends all jobs: agents are asked to stop and have <paramref name="grace"/> to do so, then their jobs end without them.</summary>
    /// <returns>Ends when every job has ended and every agent that listens has returned.</returns>
    public async Task StopAsync(TimeSpan grace, CancellationToken cancellationToken)
    {
        jobs.Close();
        foreach (Job job in jobs.AtWork)
        {
            _ = job.RequestStop();
        }

        await WaitForAgentsAsync(grace, cancellationToken).ConfigureAwait(false);
        foreach (Job job in jobs.AtWork)
        {
            job.TryApply(new JobSignal.Stopped(JobOutcome.ShutDown));
        }

        await WaitForEndsAsync().ConfigureAwait(false);
        if (AgentCount > 0)
        {
            Log.AgentsIgnoreShutdown(logger, AgentCount);
        }
    }

    /// <summary>Ends when every job's end that is decided is shown.</summary>
    public Task WaitForEndsAsync() => settlement.WaitAsync();

    private async Task WaitForAgentsAsync(TimeSpan grace, CancellationToken cancellationToken)
    {
        try
        {
            await _running.WhenEmptyAsync().WaitAsync(grace, clock, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // The grace is over; what still runs is ended by the caller.
        }
        catch (OperationCanceledException)
        {
            // The host wants to be gone sooner.
        }
    }

    // Owned by _running, which counts it.
    private async Task RunAsync(Job job, IJobWork work)
    {
        try
        {
            if (job.TryApply(JobSignal.AgentStarted))
            {
                await RunAgentAsync(job, work).ConfigureAwait(false);
            }

            await job.RequestStop().ConfigureAwait(false); // the end is decided, perhaps by somebody who has not come to this yet
        }
#pragma warning disable CA1031 // What an agent has registered with its token may throw anything, as the agent may.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Log.AgentFailed(logger, job.Spec.Id, job.Spec.Agent.Name, e);
        }
        finally
        {
            job.ReleaseAgent();
            _running.End();
        }
    }

    private async ValueTask RunAgentAsync(Job job, IJobWork work)
    {
        using IDisposable? timeout = job.Spec.MaxRuntime is { } limit ? ScheduleTimeout(job, limit) : null;
        using IDisposable? expires = job.Spec.Guard.Expiry is { } expiry ? ScheduleExpiry(job, expiry) : null;
        using Activity? activity = StartActivity(job.Spec);
        JobOutcome outcome = await GetOutcomeAsync(job, work).ConfigureAwait(false);
        job.TryApply(new JobSignal.Finished(outcome));
        EndActivity(activity, job);
    }

    private static Activity? StartActivity(JobSpec spec) => ArcpTelemetry.Start("arcp.job", spec.Trace)?
        .SetTag("arcp.job.id", spec.Id.Value)
        .SetTag("arcp.session.id", spec.SubmittedBy.Value)
        .SetTag("arcp.agent", spec.Agent.Reference)
        .SetTag("arcp.lease.expires_at", spec.LeaseConstraints?.ExpiresAt?.ToString("O"));

    // The end is decided by now, also when it is not shown yet.
    private static void EndActivity(Activity? activity, Job job)
    {
        if (activity is not null && job.State.Decision is { } decision)
        {
            activity.SetTag("arcp.budget.remaining", job.Spec.Guard.Budget.Describe());
            activity.SetStatus(decision.Status == JobStatus.Success ? ActivityStatusCode.Ok : ActivityStatusCode.Error, decision.Status.Value);
        }
    }

    private IDisposable ScheduleTimeout(Job job, TimeSpan limit) =>
        deadlines.Schedule(limit, () => job.TryApply(new JobSignal.Stopped(new JobOutcome.Overrun(limit))));

    // A job still active when its lease ends is ended (§9.5), whatever its agent is doing.
    private IDisposable ScheduleExpiry(Job job, LeaseExpiry expiry) => deadlines.Schedule(expiry.Left, () =>
    {
        if (job.TryApply(new JobSignal.Stopped(JobOutcome.LeaseHasExpired)))
        {
            Log.LeaseExpired(logger, job.Spec.Id, expiry.At);
        }
    });

    private async ValueTask<JobOutcome> GetOutcomeAsync(Job job, IJobWork work)
    {
        try
        {
            return await work.RunAsync(job, job.Stopping).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (job.Stopping.IsCancellationRequested)
        {
            return JobOutcome.ShutDown; // when the job was ended by anything else, this comes too late to count
        }
        catch (ArcpException e)
        {
            return JobOutcome.From(e);
        }
#pragma warning disable CA1031 // An agent may throw anything; its text stays in the log (§12).
        catch (Exception e)
#pragma warning restore CA1031
        {
            Log.AgentFailed(logger, job.Spec.Id, job.Spec.Agent.Name, e);
            return new JobOutcome.Failed(ErrorCode.InternalError, "The agent failed.", Retryable: true);
        }
    }
}
