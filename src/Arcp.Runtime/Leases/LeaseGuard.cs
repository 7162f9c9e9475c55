using Arcp.Core;
using Arcp.Core.Leases;

namespace Arcp.Runtime.Leases;

/// <summary>The one gate in front of everything that needs authority (§9): expiry, then budgets, then pattern.</summary>
/// <remarks>Thread-safe. A check that passes allocates nothing.</remarks>
/// <param name="lease">What is allowed.</param>
/// <param name="budget">What may be spent.</param>
/// <param name="expiry">Until when; null = without end.</param>
/// <param name="allowsUnlistedModels">Whether a lease that does not name <c>model.use</c> allows every model (§9.7).</param>
internal sealed class LeaseGuard(CompiledLease lease, BudgetLedger budget, LeaseExpiry? expiry, bool allowsUnlistedModels)
{
    private const int MaxShown = 200;

    /// <summary>The guard of a job that may do nothing.</summary>
    public static LeaseGuard DenyAll { get; } = new(CompiledLease.Empty, BudgetLedger.None, null, allowsUnlistedModels: false);

    public CompiledLease Lease { get; } = lease;

    public BudgetLedger Budget { get; } = budget;

    public LeaseExpiry? Expiry { get; } = expiry;

    public bool AllowsUnlistedModels { get; } = allowsUnlistedModels;

    /// <summary>Asks for an operation before its side effect.</summary>
    /// <param name="name">The namespace.</param>
    /// <param name="target">What the operation is on.</param>
    /// <param name="orTarget">Another name for it, which may be allowed instead; null = there is none.</param>
    /// <returns>Why it is denied; null = it is allowed.</returns>
    public ArcpException? FindDenial(string name, string target, string? orTarget = null)
    {
        if (FindClosed() is { } closed)
        {
            return closed;
        }

        return Lease.Allows(name, target) || (orTarget is not null && Lease.Allows(name, orTarget)) || (name == LeaseNamespaces.ModelUse && AllowsUnlistedModels && !Lease.Names(name))
            ? null
            : new ArcpException(
                ErrorCode.PermissionDenied,
                $"The lease does not allow {name} on '{(target.Length <= MaxShown ? target : string.Concat(target.AsSpan(0, MaxShown), "…"))}'.");
    }

    private ArcpException? FindClosed() =>
        Expiry?.HasPassed is true ? new ArcpException(ErrorCode.LeaseExpired, "The lease has expired.")
        : Budget.FindExhausted() is { } currency ? new ArcpException(ErrorCode.BudgetExhausted, $"The budget in {currency} is used up.")
        : null;
}
