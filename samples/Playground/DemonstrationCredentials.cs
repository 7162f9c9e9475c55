using System.Security.Cryptography;
using Arcp.Core;
using Arcp.Core.Leases;
using Arcp.Runtime.Credentials;

namespace Playground;

/// <summary>Lends every job one credential that is good nowhere, and counts what became of its values.</summary>
/// <remarks>Thread-safe. It is the revocation store as well: there it learns by which ids the runtime knows what it issued.</remarks>
internal sealed class DemonstrationCredentials : ICredentialProvisioner, IRevocationStore
{
    private const int MaxCounted = 10_000;

    private static readonly string[] BoundingNames = [LeaseNamespaces.CostBudget, LeaseNamespaces.ModelUse];

    private readonly Lock _lock = new();
    private readonly InMemoryRevocationStore _store = new();
    private readonly OrderedDictionary<string, Count> _counts = new(StringComparer.Ordinal);

    /// <summary>What was issued, oldest first; of what is revoked, only the newest.</summary>
    public IReadOnlyList<CredentialCount> List()
    {
        lock (_lock)
        {
            return [.. _counts.Where(entry => entry.Value.Id is not null).Select(entry => new CredentialCount(
                entry.Value.Id!, entry.Value.JobId, entry.Value.IsRevoked, entry.Value.Issued, entry.Value.Revoked))];
        }
    }

    public ValueTask<IReadOnlyList<IssuedCredential>> IssueAsync(CredentialRequest request, CancellationToken cancellationToken)
    {
        string key = $"key-{RandomNumberGenerator.GetHexString(32, lowercase: true)}";
        lock (_lock)
        {
            if (_counts.Count == MaxCounted && _counts.FirstOrDefault(entry => entry.Value.IsRevoked).Key is { } oldest)
            {
                _counts.Remove(oldest);
            }

            _counts.Add(key, new Count(request.JobId.Value) { Issued = 1 });
        }

        return new([NewValue(key, request)]);
    }

    public ValueTask<IssuedCredential> RotateAsync(CredentialRequest request, OutstandingCredential current, CancellationToken cancellationToken)
    {
        Change(current, static count => count.Issued++);
        return new(NewValue(current.ProviderKey!, request));
    }

    public ValueTask RevokeAsync(OutstandingCredential credential, CancellationToken cancellationToken)
    {
        Change(credential, static count => count.Revoked++);
        return ValueTask.CompletedTask;
    }

    public ValueTask AddAsync(OutstandingCredential credential, CancellationToken cancellationToken)
    {
        Change(credential, count => count.Id = credential.Id.Value);
        return _store.AddAsync(credential, cancellationToken);
    }

    public ValueTask RemoveAsync(OutstandingCredential credential, CancellationToken cancellationToken) => _store.RemoveAsync(credential, cancellationToken);

    public ValueTask<IReadOnlyList<OutstandingCredential>> ListAsync(CancellationToken cancellationToken) => _store.ListAsync(cancellationToken);

    private static IssuedCredential NewValue(string key, CredentialRequest request) => new()
    {
        Value = RandomNumberGenerator.GetHexString(64, lowercase: true),
        Endpoint = "https://models.invalid/v1",
        Profile = "openai",
        Constraints = RawJson.From(request.Lease.Where(entry => BoundingNames.Contains(entry.Key)).ToDictionary()),
        ProviderKey = key,
    };

    private void Change(OutstandingCredential credential, Action<Count> change)
    {
        lock (_lock)
        {
            if (_counts.TryGetValue(credential.ProviderKey!, out Count? count))
            {
                change(count);
            }
        }
    }

    private sealed class Count(string jobId)
    {
        public string JobId { get; } = jobId;

        public string? Id { get; set; }

        public int Issued { get; set; }

        public int Revoked { get; set; }

        public bool IsRevoked => Issued == Revoked;
    }
}

/// <summary>How many values a credential has had, and how many are no longer good.</summary>
internal sealed record CredentialCount(string Id, string JobId, bool Revoked, int IssuedValues, int RevokedValues);
