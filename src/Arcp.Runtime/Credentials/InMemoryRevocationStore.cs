using System.Collections.Concurrent;
using Arcp.Core.Ids;

namespace Arcp.Runtime.Credentials;

/// <summary>Records in memory what must still be revoked. A process that dies forgets it: the provider's own expiry is then all that ends a credential.</summary>
/// <remarks>Thread-safe. Given to the next runtime of the same process, it hands on what the former left.</remarks>
public sealed class InMemoryRevocationStore : IRevocationStore
{
    private readonly ConcurrentDictionary<(CredentialId Id, string Value), OutstandingCredential> _records = new();

    /// <inheritdoc/>
    public ValueTask AddAsync(OutstandingCredential credential, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(credential);
        _records[(credential.Id, credential.Value)] = credential;
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask RemoveAsync(OutstandingCredential credential, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(credential);
        _records.TryRemove((credential.Id, credential.Value), out _);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<OutstandingCredential>> ListAsync(CancellationToken cancellationToken) => new([.. _records.Values]);
}
