using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Leases;
using Arcp.Runtime.Configuration;
using Arcp.Runtime.Leases;
using Arcp.Runtime.Storage;

namespace Arcp.Runtime.Jobs;

/// <summary>Makes the jobs of an earlier run, and ends those that ran when it ended.</summary>
internal sealed class JobRecovery(JobRegistry jobs, ArcpRuntimeOptions options, TimeProvider clock)
{
    private readonly Dictionary<string, CompiledLease> _leases = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Name, string Version), JobAgent> _agents = [];
    private readonly Dictionary<JobId, Job> _restored = [];

    /// <summary>Makes the jobs, with their logs in the store.</summary>
    /// <returns>All of them, those included that only sessions know.</returns>
    public IReadOnlyDictionary<JobId, Job> Restore(IReadOnlyList<StoredJob> stored)
    {
        foreach (StoredJob job in stored)
        {
            JobState state = job.Status is { } status ? JobState.EndedWith(status) : job.LastEntry == 0 ? JobState.Waiting : JobState.AtWork;
            _restored[job.Id] = jobs.Restore(ToSpec(job), state, job.LastEntry, job.IsForgotten ? null : RetentionOf(job));
        }

        foreach (StoredJob child in stored)
        {
            if (child is { AnnouncedAt: { } number, ParentId: { } parentId } && _restored.TryGetValue(parentId, out Job? parent))
            {
                parent.Children.Restore(number, _restored[child.Id]);
            }
        }

        return _restored;
    }

    /// <summary>Ends the jobs that ran. Children first: what happened to them is the restart, not the end of their parent.</summary>
    /// <returns>How many there were.</returns>
    public int EndInterrupted()
    {
        Job[] interrupted = [.. _restored.Values.Where(job => !job.State.IsTerminal).OrderByDescending(job => job.Spec.DelegationDepth)];
        foreach (Job job in interrupted)
        {
            job.TryApply(new JobSignal.Stopped(JobOutcome.Interrupted));
        }

        return interrupted.Length;
    }

    private TimeSpan RetentionOf(StoredJob job)
    {
        TimeSpan left = (job.EndedAt ?? clock.GetUtcNow()) + options.EffectiveRetention - clock.GetUtcNow();
        return TimeSpan.FromTicks(Math.Clamp(left.Ticks, 0, options.EffectiveRetention.Ticks));
    }

    private JobSpec ToSpec(StoredJob job) => new()
    {
        Id = job.Id,
        Origin = new JobOrigin(StoredPrincipals.ToPrincipal(job.Principal), job.SubmittedBy, ToAgent(job), ToGuard(job)),
        Trace = TraceContext.TryParse(job.Trace, out TraceContext? trace) ? trace : TraceContext.New(),
        CreatedAt = job.CreatedAt,
        ParentId = job.ParentId,
        DelegationDepth = job.DelegationDepth,
    };

    // Many jobs have the same agent.
    private JobAgent ToAgent(StoredJob job)
    {
        if (!_agents.TryGetValue((job.AgentName, job.AgentVersion), out JobAgent? agent))
        {
            _agents.Add((job.AgentName, job.AgentVersion), agent = new JobAgent(job.AgentName, job.AgentVersion));
        }

        return agent;
    }

    private LeaseGuard ToGuard(StoredJob job)
    {
        Lease lease = LeaseText.Parse(job.Lease);
        if (lease.Count == 0 && job.LeaseExpiresAt is null)
        {
            return LeaseGuard.DenyAll;
        }

        // Many jobs have the same lease.
        if (!_leases.TryGetValue(job.Lease, out CompiledLease? compiled))
        {
            _leases.Add(job.Lease, compiled = CompiledLease.Compile(lease));
        }

        return new LeaseGuard(
            compiled,
            new BudgetLedger(job.Remaining ?? compiled.Budgets),
            job.LeaseExpiresAt is { } expiresAt ? LeaseExpiry.Start(expiresAt, clock) : null,
            allowsUnlistedModels: false);
    }
}
