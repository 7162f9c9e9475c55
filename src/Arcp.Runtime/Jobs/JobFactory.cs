using Arcp.Runtime.Credentials;
using Arcp.Runtime.Storage;

namespace Arcp.Runtime.Jobs;

/// <summary>Makes jobs in two steps: first all that may fail or take time, which nobody sees, then the job itself, which cannot fail.</summary>
/// <param name="jobs">Where jobs are counted.</param>
/// <param name="broker">Lends credentials; null = there are none to lend.</param>
/// <param name="store">Keeps jobs over the end of the process; null = nothing does.</param>
internal sealed class JobFactory(JobRegistry jobs, CredentialBroker? broker, JobStore? store)
{
    /// <summary>Keeps a place for a job and borrows its credentials. Ends at once when there are none to borrow.</summary>
    /// <param name="spec">The job.</param>
    /// <param name="cancellationToken">Gives up; what is borrowed too late is taken back.</param>
    /// <exception cref="Arcp.Core.ArcpException">A limit or the provisioner forbids it; nothing is left behind.</exception>
    public async ValueTask<PreparedJob> PrepareAsync(JobSpec spec, CancellationToken cancellationToken = default)
    {
        jobs.Reserve(spec.Principal);
        try
        {
            if (spec.TakesCredentials && broker is not null)
            {
                spec = spec with { Credentials = await broker.IssueAsync(ToRequest(spec), cancellationToken).ConfigureAwait(false) };
            }

            return new PreparedJob(spec, jobs, store);
        }
        catch
        {
            jobs.Release(spec.Principal);
            throw;
        }
    }

    private static CredentialRequest ToRequest(JobSpec spec) => new()
    {
        JobId = spec.Id,
        Principal = spec.Principal,
        Agent = spec.Agent.Reference,
        Lease = spec.Lease,
        LeaseConstraints = spec.LeaseConstraints,
        ParentJobId = spec.ParentId,
    };
}

/// <summary>A job that only has to be created. Disposing takes everything back, unless it was.</summary>
internal sealed class PreparedJob(JobSpec spec, JobRegistry jobs, JobStore? store) : IDisposable
{
    private bool _isDone;
    private bool _isKept;

    public JobSpec Spec { get; } = spec;

    /// <summary>Keeps the job over the end of the process, before anybody hears of it. Ends at once when nothing does.</summary>
    /// <param name="acceptance">The frame that accepts it; empty = a child, which has none.</param>
    /// <param name="answer">What its idempotency key is answered with; null = it has none.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="Arcp.Core.ArcpException"><c>INTERNAL_ERROR</c>, retryable: it cannot be kept; nothing is left behind.</exception>
    public Task KeepAsync(ReadOnlyMemory<byte> acceptance, StoredAnswer? answer, CancellationToken cancellationToken = default) =>
        store is null ? Task.CompletedTask : KeepAsync(store, acceptance, answer, cancellationToken);

    /// <summary>Creates the job.</summary>
    public Job Create()
    {
        _isDone = true;
        if (store is not null && !Spec.Guard.Budget.IsEmpty)
        {
            Spec.Guard.Budget.OnCounted = remaining => store.AppendBudget(Spec.Id, remaining);
        }

        return jobs.Create(Spec);
    }

    public void Dispose()
    {
        if (_isDone)
        {
            return;
        }

        _isDone = true;
        jobs.Release(Spec.Principal);
        if (_isKept)
        {
            store!.AppendForgotten(Spec.Id);
        }

        _ = Spec.Credentials.RevokeAllAsync(); // the broker awaits it
    }

    private async Task KeepAsync(JobStore durable, ReadOnlyMemory<byte> acceptance, StoredAnswer? answer, CancellationToken cancellationToken)
    {
        await durable.KeepAsync(Spec, acceptance, answer, cancellationToken).ConfigureAwait(false);
        _isKept = true;
    }
}
