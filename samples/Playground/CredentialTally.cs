namespace Playground;

/// <summary>The values that one demonstration credential has had, under the names the provider gave them.</summary>
internal sealed class CredentialTally(string jobId)
{
    private readonly Dictionary<string, int> _revocations = new(StringComparer.Ordinal);
    private readonly HashSet<string> _outstanding = new(StringComparer.Ordinal);
    private readonly HashSet<string> _revokedEarlier = new(StringComparer.Ordinal);

    public string JobId { get; } = jobId;

    /// <summary>What the runtime calls it; null = no runtime is known to have a record of it.</summary>
    public string? Id { get; set; }

    public int Issued { get; private set; }

    public int Revoked => _revokedEarlier.Count + _revocations.Values.Sum();

    /// <summary>The values that are good.</summary>
    public IReadOnlyCollection<string> Outstanding => _outstanding;

    public void Issue(string key)
    {
        Issued++;
        _outstanding.Add(key);
    }

    /// <summary>Counts every time, so that a value which is revoked twice shows; but not what an earlier run did: a runtime that was killed cannot know.</summary>
    public void Revoke(string key)
    {
        if (!_revokedEarlier.Contains(key))
        {
            _revocations[key] = _revocations.GetValueOrDefault(key) + 1;
            _outstanding.Remove(key);
        }
    }

    public void RevokedEarlier(string key)
    {
        _revokedEarlier.Add(key);
        _outstanding.Remove(key);
    }
}
