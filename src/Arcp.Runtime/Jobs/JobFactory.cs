using Arcp.Runtime.Credentials;

namespace Arcp.Runtime.Jobs;

/// <summary>Makes jobs in two steps: first all that may fail or take time, which nobody sees, then the job itself, which cannot fail.</summary>
/// <param name="jobs">Where jobs are counted.</param>
/// <param name="broker">Lends credentials; null = there are none to lend.</param>
internal sealed class JobFactory(JobRegistry jobs, CredentialBroker? broker)
{
    /// <summary>Keeps a place for a job and borrows its credentials. Ends at once when there are none to borrow.</summary>
    /// <param name="spec">The job.</param>
    /// <param name="cancellationToken">Gives up; what is borrowed too late is taken back.</param>
    /// <exception cref="Arcp.Core.ArcpException">A limit or the provisioner forbids it; nothing is left behind.</exception>
    public async ValueTask<PreparedJob> PrepareAsync(JobSpec spec, CancellationToken cancellationToken = default)
    {
        JobSlot slot = jobs.Reserve(spec.Principal);
        try
        {
            JobCredentials credentials = spec.TakesCredentials && broker is not null
                ? await broker.IssueAsync(ToRequest(spec), cancellationToken).ConfigureAwait(false)
                : JobCredentials.None;
            return new PreparedJob(spec with { Credentials = credentials }, slot);
        }
        catch
        {
            slot.Dispose();
            throw;
        }
    }

    private static CredentialRequest ToRequest(JobSpec spec) => new()
    {
        JobId = spec.Id,
        Principal = spec.Principal,
        Agent = $"{spec.AgentName}@{spec.AgentVersion}",
        Lease = spec.Lease,
        LeaseConstraints = spec.LeaseConstraints,
        ParentJobId = spec.ParentId,
    };
}

/// <summary>A job that only has to be created. Disposing takes everything back, unless it was.</summary>
internal sealed class PreparedJob(JobSpec spec, JobSlot slot) : IDisposable
{
    private bool _isCreated;

    public JobSpec Spec { get; } = spec;

    /// <summary>Creates the job.</summary>
    public Job Create()
    {
        _isCreated = true;
        return slot.Fill(Spec);
    }

    public void Dispose()
    {
        slot.Dispose();
        if (!_isCreated)
        {
            _ = Spec.Credentials.RevokeAllAsync(); // the broker awaits it
        }
    }
}
