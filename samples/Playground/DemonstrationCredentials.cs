using System.Security.Cryptography;
using System.Text;
using Arcp.Core;
using Arcp.Core.Leases;
using Arcp.Runtime.Credentials;
using Playground.Agents;

namespace Playground;

/// <summary>Lends every job one credential that is good nowhere, and counts what became of its values.</summary>
/// <remarks>
/// Thread-safe. Without a durable store it is the revocation store as well; either way it is told by which ids the runtime knows what it issued.
/// With a ledger it remembers over restarts, as a provider does.
/// </remarks>
internal sealed class DemonstrationCredentials : ICredentialProvisioner, IRevocationStore
{
    private const int MaxCounted = 10_000;

    private static readonly string[] BoundingNames = [LeaseNamespaces.CostBudget, LeaseNamespaces.ModelUse];

    private readonly Lock _lock = new();
    private readonly InMemoryRevocationStore _store = new();
    private readonly OrderedDictionary<string, CredentialTally> _tallies = new(StringComparer.Ordinal);
    private readonly CredentialLedger? _ledger;

    public DemonstrationCredentials(CredentialLedger? ledger = null)
    {
        _ledger = ledger;
        foreach (LedgerLine line in ledger?.Earlier ?? [])
        {
            Recall(line);
        }
    }

    /// <summary>What was issued, oldest first; of what is revoked, only the newest.</summary>
    public IReadOnlyList<CredentialCount> List()
    {
        lock (_lock)
        {
            return [.. _tallies.Values.Where(tally => tally.Id is not null).Select(tally => new CredentialCount(
                tally.Id!, tally.JobId, tally.Outstanding.Count == 0, tally.Issued, tally.Revoked))];
        }
    }

    /// <summary>A runtime has a record of a value.</summary>
    public void NoteRecord(string providerKey, string credentialId)
    {
        lock (_lock)
        {
            if (Find(providerKey) is { } tally)
            {
                tally.Id = credentialId;
            }
        }
    }

    /// <summary>
    /// Takes back what was issued and is in no record: the process was killed before it could be recorded, so nobody has seen it and no runtime will ever revoke it.
    /// Only the provider can know; a real one would compare in this way, or let its values expire.
    /// </summary>
    public void Reconcile(IReadOnlySet<string> recordedKeys)
    {
        lock (_lock)
        {
            foreach (CredentialTally tally in _tallies.Values)
            {
                foreach (string key in tally.Outstanding.Where(key => !recordedKeys.Contains(key)).ToArray())
                {
                    tally.Revoke(key);
                    _ledger?.Append(new LedgerLine(LedgerLine.Reclaimed, key, tally.JobId, "-"));
                }
            }
        }
    }

    public ValueTask<IReadOnlyList<IssuedCredential>> IssueAsync(CredentialRequest request, CancellationToken cancellationToken) =>
        new([Issue($"key-{RandomNumberGenerator.GetHexString(32, lowercase: true)}", request)]);

    public ValueTask<IssuedCredential> RotateAsync(CredentialRequest request, OutstandingCredential current, CancellationToken cancellationToken)
    {
        int count;
        lock (_lock)
        {
            count = Find(current.ProviderKey!)?.Issued ?? 0;
        }

        return new(Issue($"{NameOf(current.ProviderKey!)}.{count}", request));
    }

    public ValueTask RevokeAsync(OutstandingCredential credential, CancellationToken cancellationToken)
    {
        string key = credential.ProviderKey!;
        lock (_lock)
        {
            if (Find(key) is { } tally)
            {
                tally.Id = credential.Id.Value;
                tally.Revoke(key);
                _ledger?.Append(new LedgerLine(LedgerLine.Revoked, key, tally.JobId, tally.Id));
            }
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask AddAsync(OutstandingCredential credential, CancellationToken cancellationToken)
    {
        NoteRecord(credential.ProviderKey!, credential.Id.Value);
        return _store.AddAsync(credential, cancellationToken);
    }

    public ValueTask RemoveAsync(OutstandingCredential credential, CancellationToken cancellationToken) => _store.RemoveAsync(credential, cancellationToken);

    public ValueTask<IReadOnlyList<OutstandingCredential>> ListAsync(CancellationToken cancellationToken) => _store.ListAsync(cancellationToken);

    private IssuedCredential Issue(string key, CredentialRequest request)
    {
        string value = RandomNumberGenerator.GetHexString(64, lowercase: true);
        lock (_lock)
        {
            TallyOf(key, request.JobId.Value).Issue(key);
            _ledger?.Append(new LedgerLine(LedgerLine.Issued, key, request.JobId.Value, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(value)))));
        }

        return new IssuedCredential
        {
            Value = value,
            Endpoint = "https://models.invalid/v1",
            Profile = "openai",
            Constraints = RawJson.From(new Lease(request.Lease.Where(entry => BoundingNames.Contains(entry.Key))), AgentJsonContext.Default.Lease),
            ProviderKey = key,
        };
    }

    private void Recall(LedgerLine line)
    {
        CredentialTally tally = TallyOf(line.Key, line.JobId);
        switch (line.What)
        {
            case LedgerLine.Issued:
                tally.Issue(line.Key);
                break;
            case LedgerLine.Revoked:
                tally.Id = line.Detail;
                tally.RevokedEarlier(line.Key);
                break;
            case LedgerLine.Reclaimed:
                tally.RevokedEarlier(line.Key);
                break;
        }
    }

    // The values of one credential have its name, and all but the first a number behind it.
    private static string NameOf(string key) => key.Split('.')[0];

    private CredentialTally? Find(string key) => _tallies.GetValueOrDefault(NameOf(key));

    private CredentialTally TallyOf(string key, string jobId)
    {
        if (Find(key) is { } known)
        {
            return known;
        }

        if (_tallies.Count >= MaxCounted && _tallies.FirstOrDefault(entry => entry.Value.Outstanding.Count == 0).Key is { } oldest)
        {
            _tallies.Remove(oldest);
        }

        var tally = new CredentialTally(jobId);
        _tallies.Add(NameOf(key), tally);
        return tally;
    }
}

/// <summary>What became of all credentials.</summary>
internal sealed record CredentialCounts(IReadOnlyList<CredentialCount> Credentials);

/// <summary>How many values a credential has had, and how many are no longer good.</summary>
internal sealed record CredentialCount(string Id, string JobId, bool Revoked, int IssuedValues, int RevokedValues);
