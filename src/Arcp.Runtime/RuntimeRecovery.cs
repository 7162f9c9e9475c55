using Arcp.Core.Ids;
using Arcp.Runtime.Credentials;
using Arcp.Runtime.Diagnostics;
using Arcp.Runtime.Jobs;
using Arcp.Runtime.Sessions;
using Arcp.Runtime.Storage;

namespace Arcp.Runtime;

/// <summary>Opens the store when the runtime starts, and goes on where the last run has stopped.</summary>
/// <param name="store">The store.</param>
/// <param name="journal">Commits what changes by it.</param>
/// <param name="jobStore">How jobs are kept.</param>
/// <param name="revocations">Where credentials are recorded; null = there are none to lend, or the host records them itself.</param>
internal sealed class RuntimeRecovery(IRuntimeStore store, Journal journal, JobStore jobStore, JournaledRevocationStore? revocations)
{
    /// <summary>Recovers. When it has ended, sessions may be opened and resumed.</summary>
    /// <exception cref="RuntimeStoreException">The store cannot be used.</exception>
    public async Task RunAsync(SessionServices services, CancellationToken cancellationToken)
    {
        StoredState state = await store.OpenAsync(RuntimeStoreContent.Version, cancellationToken).ConfigureAwait(false);
        if (state.ListingKey is { } key)
        {
            services.CursorKey = key.ToArray();
        }
        else
        {
            journal.Append(new StoreChange.ListingKeyKept(services.CursorKey));
        }

        RestoreCredentials(state, services);
        var recovery = new JobRecovery(services.Jobs, services.Options, services.Clock);
        IReadOnlyDictionary<JobId, Job> jobs = recovery.Restore(state.Jobs);
        int interrupted = recovery.EndInterrupted();
        foreach (StoredAnswer answer in state.Answers)
        {
            services.Idempotency.Restore(answer, answer.IsSecret ? jobStore.Open(answer.JobId, answer.Payload.Span) : answer.Payload.ToArray());
        }

        RestoreSessions(state, services, jobs);
        journal.Start();
        Log.Recovered(services.Logger, state.Jobs.Count, state.Sessions.Count, state.Answers.Count, interrupted);
    }

    private void RestoreCredentials(StoredState state, SessionServices services)
    {
        if (revocations is not null)
        {
            revocations.Restore(state.Credentials);
        }
        else if (state.Credentials.Count > 0)
        {
            Log.CredentialsWithoutProvisioner(services.Logger, state.Credentials.Count);
        }
    }

    private void RestoreSessions(StoredState state, SessionServices services, IReadOnlyDictionary<JobId, Job> jobs)
    {
        HashSet<SessionId> wanted = [.. state.Sessions.Select(session => session.Id)];
        ILookup<SessionId, (Job, ReadOnlyMemory<byte>)> acceptances = state.Jobs
            .Where(job => !job.Acceptance.IsEmpty && wanted.Contains(job.SubmittedBy))
            .OrderBy(job => job.CreatedAt)
            .ThenBy(job => job.Id.Value, StringComparer.Ordinal)
            .ToLookup(job => job.SubmittedBy, job => (jobs[job.Id], job.IsAcceptanceSecret ? jobStore.Open(job.Id, job.Acceptance.Span) : job.Acceptance));
        var recovery = new SessionRecovery(services, jobs, acceptances);
        foreach (StoredSession session in state.Sessions)
        {
            recovery.Restore(session);
        }
    }
}
