using Arcp.Core.Leases;

namespace Arcp.Client.Jobs;

/// <summary>The budget of a job of which no acceptance tells one: what its lease says (§9.6).</summary>
internal static class LeaseBudget
{
    /// <summary>The amounts of a lease; null when there are none, or none that can be read.</summary>
    public static IReadOnlyDictionary<string, decimal>? Of(Lease? lease) =>
        lease is not null && LeaseGrammar.FindError(lease) is null ? LeaseGrammar.Budgets(lease) : null;
}
