using System.Collections.Frozen;

namespace Arcp.Core.Leases;

/// <summary>A lease made ready for checks: its patterns compiled and its budgets added up, once.</summary>
/// <remarks>Immutable and thread-safe. A check of a target that is in its normal form allocates nothing.</remarks>
public sealed class CompiledLease
{
    private readonly FrozenDictionary<string, CapabilityPattern[]> _patterns;

    private CompiledLease(Lease lease)
    {
        Lease = lease;
        Budgets = LeaseGrammar.Budgets(lease);
        _patterns = lease.Where(entry => entry.Key != LeaseNamespaces.CostBudget).ToFrozenDictionary(
            entry => entry.Key,
            entry => entry.Value.Select(text => CapabilityPattern.OfChecked(entry.Key, text)).ToArray(),
            StringComparer.Ordinal);
    }

    /// <summary>The lease that allows nothing.</summary>
    public static CompiledLease Empty { get; } = new(Lease.Empty);

    /// <summary>The lease as it was given.</summary>
    public Lease Lease { get; }

    /// <summary>The amount of each budgeted currency (§9.6), exact; null when the lease has no budget.</summary>
    public IReadOnlyDictionary<string, decimal>? Budgets { get; }

    /// <summary>Compiles a lease.</summary>
    /// <param name="lease">The lease.</param>
    /// <exception cref="ArgumentException">It breaks the rules of <see cref="LeaseGrammar"/>; the message names the entry.</exception>
    public static CompiledLease Compile(Lease lease)
    {
        ArgumentNullException.ThrowIfNull(lease);
        return LeaseGrammar.FindError(lease) is { } error ? throw new ArgumentException(error, nameof(lease)) : new CompiledLease(lease);
    }

    /// <summary>Whether the lease names a namespace, be it with an empty list.</summary>
    /// <param name="name">The namespace.</param>
    public bool Names(string name) => Lease.ContainsKey(name);

    /// <summary>Whether a target is allowed. It is normalised first; one that escapes its root, or is none of its namespace, is not allowed.</summary>
    /// <param name="name">The namespace.</param>
    /// <param name="target">The target as it is used.</param>
    public bool Allows(string name, string target)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(target);
        return _patterns.TryGetValue(name, out CapabilityPattern[]? patterns)
            && TargetNormalizer.TryNormalize(target, LeaseNamespaces.KindOf(name), out string? normal, out string? decoded)
            && MatchesAny(patterns, normal)
            && (decoded is null || MatchesAny(patterns, decoded));
    }

    /// <summary>Looks for what another lease allows and this one does not, by inclusion of patterns (§9.4). Budgets are not looked at: what is left of them changes.</summary>
    /// <param name="child">The other lease.</param>
    /// <returns>The first namespace and pattern that go beyond this lease; null = there is none. Patterns that only several of this lease's cover together count as beyond.</returns>
    public string? FindExcess(CompiledLease child)
    {
        ArgumentNullException.ThrowIfNull(child);
        int work = GlobInclusion.MaxWork;
        foreach ((string name, CapabilityPattern[] patterns) in child._patterns)
        {
            CapabilityPattern[] own = _patterns.GetValueOrDefault(name, []);
            foreach (CapabilityPattern pattern in patterns)
            {
                if (!Array.Exists(own, candidate => candidate.Includes(pattern, ref work)))
                {
                    return $"'{LeaseGrammar.Shown(pattern.Text)}' in {LeaseGrammar.Shown(name)}";
                }
            }
        }

        return null;
    }

    private static bool MatchesAny(CapabilityPattern[] patterns, string normal)
    {
        foreach (CapabilityPattern pattern in patterns)
        {
            if (pattern.Matches(normal))
            {
                return true;
            }
        }

        return false;
    }
}
