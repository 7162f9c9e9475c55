using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Arcp.Runtime.Diagnostics;

namespace Arcp.Runtime.Credentials;

/// <summary>All values that are outstanding in this run. One value belongs to one job (§9.8).</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class OutstandingValues
{
    private readonly ConcurrentDictionary<string, OutstandingValue> _values = new(StringComparer.Ordinal);

    public int Count => _values.Count;

    /// <summary>Takes a value for a job, unless it is outstanding already.</summary>
    public bool TryClaim(OutstandingCredential credential, [NotNullWhen(true)] out OutstandingValue? value)
    {
        value = new OutstandingValue(credential);
        if (!_values.TryAdd(credential.Value, value))
        {
            value = null;
            return false;
        }

        ArcpTelemetry.CredentialsOutstanding.Add(1);
        return true;
    }

    /// <summary>A value that has been revoked is no longer outstanding.</summary>
    public void Release(OutstandingValue value)
    {
        if (_values.TryRemove(new KeyValuePair<string, OutstandingValue>(value.Credential.Value, value)))
        {
            ArcpTelemetry.CredentialsOutstanding.Add(-1);
        }
    }
}
