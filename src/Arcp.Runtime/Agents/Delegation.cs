using Arcp.Core;
using Arcp.Core.Events;
using Arcp.Core.Ids;
using Arcp.Core.Leases;
using Arcp.Runtime.Jobs;
using Arcp.Runtime.Leases;

namespace Arcp.Runtime.Agents;

/// <summary>Starts child jobs for a job (§10): with a part of its authority, never more (§9.4).</summary>
internal sealed class Delegation(Job parent, JobAuthority authority, AgentEnvironment environment)
{
    private int _started;

    /// <summary>Starts a child.</summary>
    /// <exception cref="ArcpException">It is refused; nothing is left behind.</exception>
    /// <exception cref="OperationCanceledException">The parent has ended, or is asked to stop while the child's credentials are issued.</exception>
    public async Task<DelegatedJob> StartAsync(string agent, RawJson input, Lease lease, LeaseConstraints? constraints)
    {
        ThrowIfEnded();
        AgentDescriptor descriptor = FindAgent(agent);
        (CompiledLease compiled, LeaseExpiry? expiry) = CheckAuthority(lease, constraints);
        CheckDepth();
        BudgetLedger budget = Reserve(compiled);
        try
        {
            CountChild();
            Job child = await CreateAsync(descriptor, new LeaseGuard(compiled, budget, expiry, AllowsUnlistedModels)).ConfigureAwait(false);
            Announce(child);
            environment.Runner.Start(child, new AgentWork(descriptor, environment, input));
            return new DelegatedJob(child);
        }
        catch
        {
            budget.Close();
            budget.AnnounceReturn();
            Interlocked.Decrement(ref _started); // what was refused is no child
            throw;
        }
    }

    // What the parent may use unlisted its child may too; but a parent's list also bounds a child that brings none.
    private bool AllowsUnlistedModels => parent.Spec.Guard.AllowsUnlistedModels && !parent.Spec.Guard.Lease.Names(LeaseNamespaces.ModelUse);

    private static ArcpException Violation(string what) =>
        new(ErrorCode.LeaseSubsetViolation, $"The child's lease goes beyond its parent's: {what}.");

    private void ThrowIfEnded()
    {
        if (parent.State.Decision is not null)
        {
            throw HasEnded();
        }
    }

    private OperationCanceledException HasEnded() => new("The job has ended.", parent.Stopping);

    // The authority to delegate comes before everything else, also before whether the agent exists.
    private AgentDescriptor FindAgent(string agent)
    {
        if (!AgentReference.TryParse(agent, out AgentReference name))
        {
            throw new ArcpException(ErrorCode.InvalidRequest, $"'{agent}' is not an agent; accepted is {AgentReference.NameRule}, optionally followed by @ and a version {AgentReference.VersionRule}.");
        }

        bool exists = environment.Agents.TryResolve(name, out AgentDescriptor? descriptor, out ArcpException? error);
        string full = exists ? $"{descriptor!.Name}@{descriptor.Version}" : agent;
        if (authority.FindDenial(LeaseNamespaces.AgentDelegate, name.Name, full) is { } denial)
        {
            throw denial;
        }

        return exists ? descriptor! : throw error!;
    }

    private (CompiledLease Lease, LeaseExpiry? Expiry) CheckAuthority(Lease lease, LeaseConstraints? constraints)
    {
        if (LeaseGrammar.FindError(lease) is { } error)
        {
            throw new ArcpException(ErrorCode.InvalidRequest, error);
        }

        var compiled = CompiledLease.Compile(lease);
        if (ParentLease().FindExcess(compiled) is { } excess)
        {
            throw Violation(excess);
        }

        LeaseExpiry? inherited = parent.Spec.Guard.Expiry;
        if (constraints?.ExpiresAt is not { } expiresAt)
        {
            return (compiled, inherited);
        }

        if (expiresAt > inherited?.At)
        {
            throw Violation("it expires later");
        }

        return expiresAt > environment.Clock.GetUtcNow()
            ? (compiled, LeaseExpiry.Start(expiresAt.ToUniversalTime(), environment.Clock))
            : throw new ArcpException(ErrorCode.InvalidRequest, "The child's lease must expire in the future.");
    }

    private BudgetLedger Reserve(CompiledLease lease)
    {
        BudgetLedger own = parent.Spec.Guard.Budget;
        if (!own.TryReserve(lease.Budgets, out string? excess))
        {
            ThrowIfEnded(); // then nothing is left that could be reserved
            throw Violation($"its budget in {excess} is more than what is left of the parent's");
        }

        return new BudgetLedger(lease.Budgets, own);
    }

    private CompiledLease ParentLease() => AllowsUnlistedModels
        ? CompiledLease.Compile(new Lease([.. parent.Spec.Lease, new(LeaseNamespaces.ModelUse, ["**"])]))
        : parent.Spec.Guard.Lease;

    private void CheckDepth()
    {
        if (parent.Spec.DelegationDepth >= environment.Options.MaxDelegationDepth)
        {
            throw new ArcpException(ErrorCode.PermissionDenied, $"The limit of {environment.Options.MaxDelegationDepth} delegations one below the other is reached.");
        }
    }

    private void CountChild()
    {
        if (Interlocked.Increment(ref _started) > environment.Options.MaxChildrenPerJob)
        {
            throw new ArcpException(ErrorCode.PermissionDenied, $"The limit of {environment.Options.MaxChildrenPerJob} delegations per job is reached.");
        }
    }

    private async Task<Job> CreateAsync(AgentDescriptor descriptor, LeaseGuard guard)
    {
        JobSpec own = parent.Spec;
        var spec = new JobSpec
        {
            Id = JobId.New(environment.Clock),
            Origin = own.Origin with { Agent = descriptor.Identity, Guard = guard },
            Trace = own.Trace,
            CreatedAt = environment.Clock.GetUtcNow(),
            ParentId = own.Id,
            DelegationDepth = own.DelegationDepth + 1,
            TakesCredentials = own.TakesCredentials,
            StreamsResult = own.StreamsResult,
        };
        using PreparedJob prepared = await environment.JobFactory.PrepareAsync(spec, parent.Stopping).ConfigureAwait(false);
        await prepared.KeepAsync(acceptance: default, answer: null, parent.Stopping).ConfigureAwait(false);
        ThrowIfEnded();
        return prepared.Create();
    }

    private void Announce(Job child)
    {
        var announcement = new DelegateEvent
        {
            DelegateId = Ulid.MintWithPrefix("del_", environment.Clock.GetUtcNow()),
            ChildJobId = child.Spec.Id,
            Agent = child.Spec.Agent.Reference,
            LeaseRequest = child.Spec.Lease,
            LeaseConstraints = child.Spec.LeaseConstraints,
        };
        if (parent.TryAnnounce(child, announcement) is not { } announcedAt)
        {
            child.TryApply(new JobSignal.Stopped(JobOutcome.ParentEnded));
            throw HasEnded();
        }

        environment.Audience.Open(parent, child, announcedAt);
        foreach (string currency in child.Spec.Guard.Lease.Budgets?.Keys ?? [])
        {
            parent.Spec.Guard.Budget.Announce(currency);
        }
    }
}
