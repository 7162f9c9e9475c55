namespace Arcp.Core.Leases;

/// <summary>What bounds a lease as a whole (§9.5).</summary>
public sealed record LeaseConstraints
{
    /// <summary>When the lease ends, in UTC.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }
}
