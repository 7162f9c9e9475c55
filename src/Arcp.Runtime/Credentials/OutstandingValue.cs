namespace Arcp.Runtime.Credentials;

/// <summary>A value that is outstanding in this run. However many parties want it revoked, that is begun once.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class OutstandingValue(OutstandingCredential credential)
{
    private readonly Lock _lock = new();
    private Task? _revocation;

    public OutstandingCredential Credential { get; } = credential;

    /// <summary>The one revocation; the first caller begins it.</summary>
    public Task RevokeOnce(Func<OutstandingValue, Task> begin)
    {
        lock (_lock)
        {
            return _revocation ??= begin(this);
        }
    }
}
