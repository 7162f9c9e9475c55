using System.Collections.Concurrent;
using System.Text;
using Arcp.Core.Ids;
using Arcp.Runtime.Storage;

namespace Arcp.Runtime.Credentials;

/// <summary>Records what must still be revoked in the runtime's store, values encrypted.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class JournaledRevocationStore(Journal journal, SecretBox secrets, TimeProvider clock) : IRevocationStore
{
    private readonly ConcurrentDictionary<(CredentialId Id, string Value), string> _keys = new();
    private IReadOnlyList<OutstandingCredential> _left = [];

    /// <summary>Takes over what an earlier run has left. Called before anything is listed.</summary>
    /// <exception cref="RuntimeStoreException">A value cannot be decrypted.</exception>
    public void Restore(IReadOnlyList<StoredCredential> stored)
    {
        var left = new List<OutstandingCredential>();
        foreach (StoredCredential record in stored)
        {
            var credential = new OutstandingCredential
            {
                Id = record.Id,
                JobId = record.JobId,
                Value = Encoding.UTF8.GetString(secrets.Open(record.Value.Span, PurposeOf(record.Key))),
                Endpoint = record.Endpoint,
                ProviderKey = record.ProviderKey,
            };
            _keys[(credential.Id, credential.Value)] = record.Key;
            left.Add(credential);
        }

        _left = left;
    }

    /// <inheritdoc/>
    public async ValueTask AddAsync(OutstandingCredential credential, CancellationToken cancellationToken)
    {
        string key = Ulid.MintWithPrefix("out_", clock.GetUtcNow());
        var stored = new StoredCredential
        {
            Key = key,
            Id = credential.Id,
            JobId = credential.JobId,
            Value = secrets.Seal(Encoding.UTF8.GetBytes(credential.Value), PurposeOf(key)),
            Endpoint = credential.Endpoint,
            ProviderKey = credential.ProviderKey,
        };
        _keys[(credential.Id, credential.Value)] = key;
        await journal.KeepAsync([new StoreChange.CredentialKept(stored)], [new StoreChange.CredentialForgotten(key)], cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ValueTask RemoveAsync(OutstandingCredential credential, CancellationToken cancellationToken)
    {
        if (_keys.TryRemove((credential.Id, credential.Value), out string? key))
        {
            journal.Append(new StoreChange.CredentialForgotten(key));
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<OutstandingCredential>> ListAsync(CancellationToken cancellationToken) => new(_left);

    private static string PurposeOf(string key) => $"credential {key}";
}
