using Arcp.Core.Ids;
using Arcp.Runtime.Storage;

namespace Playground;

/// <summary>A store beside which the demonstration provider looks at which of its values the runtime has recorded.</summary>
internal sealed class WatchedStore(IRuntimeStore store, DemonstrationCredentials credentials) : IRuntimeStore
{
    public async ValueTask<StoredState> OpenAsync(int contentVersion, CancellationToken cancellationToken)
    {
        StoredState state = await store.OpenAsync(contentVersion, cancellationToken);
        foreach (StoredCredential credential in state.Credentials)
        {
            credentials.NoteRecord(credential.ProviderKey!, credential.Id.Value);
        }

        credentials.Reconcile(state.Credentials.Select(credential => credential.ProviderKey!).ToHashSet());
        return state;
    }

    public async ValueTask CommitAsync(IReadOnlyList<StoreChange> changes, CancellationToken cancellationToken)
    {
        await store.CommitAsync(changes, cancellationToken);
        foreach (StoreChange.CredentialKept kept in changes.OfType<StoreChange.CredentialKept>())
        {
            credentials.NoteRecord(kept.Credential.ProviderKey!, kept.Credential.Id.Value);
        }
    }

    public ValueTask<IReadOnlyList<StoredEntry>> ReadLogAsync(JobId jobId, long after, int maxBytes, CancellationToken cancellationToken) =>
        store.ReadLogAsync(jobId, after, maxBytes, cancellationToken);

    public ValueTask<bool> TrimAsync(CancellationToken cancellationToken) => store.TrimAsync(cancellationToken);

    public ValueTask DisposeAsync() => store.DisposeAsync();
}
