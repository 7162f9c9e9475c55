using System.Buffers;

namespace Arcp.Core.Leases;

/// <summary>A lease made ready for checks (§9): compile it once per lease and keep it.</summary>
/// <remarks>
/// Immutable and safe for concurrent use. It knows patterns only: when a lease ends, and what is left of a budget, is for its owner.
/// </remarks>
public sealed class CompiledLease
{
    // Longer targets are normalised in a rented buffer.
    private const int MaxOnStack = 512;

    private readonly Dictionary<string, CapabilityPattern[]> _patterns = new(StringComparer.Ordinal);

    private CompiledLease(Lease lease)
    {
        Lease = lease;
        Budgets = LeaseGrammar.Budgets(lease);
        foreach ((string name, IReadOnlyList<string> patterns) in lease)
        {
            if (name != LeaseNamespaces.CostBudget)
            {
                _patterns.Add(name, [.. patterns.Select(pattern => CapabilityPattern.Parse(name, pattern))]);
            }
        }
    }

    /// <summary>The lease that allows nothing.</summary>
    public static CompiledLease Empty { get; } = Compile(Lease.Empty);

    /// <summary>What was compiled.</summary>
    public Lease Lease { get; }

    /// <summary>The amounts of <c>cost.budget</c>, by currency; null = no budget, which is no limit.</summary>
    public IReadOnlyDictionary<string, decimal>? Budgets { get; }

    /// <summary>Compiles a lease.</summary>
    /// <param name="lease">The lease.</param>
    /// <exception cref="ArgumentException">The lease has an error; the message is <see cref="LeaseGrammar.FindError"/>'s.</exception>
    public static CompiledLease Compile(Lease lease) =>
        LeaseGrammar.FindError(lease) is { } error ? throw new ArgumentException(error, nameof(lease)) : new CompiledLease(lease);

    /// <summary>Whether a namespace is named at all, also with an empty list.</summary>
    /// <param name="name">The namespace, such as <see cref="LeaseNamespaces.ModelUse"/>.</param>
    public bool Names(string name) => Lease.ContainsKey(name);

    /// <summary>Whether a target is covered. The target is normalised first; one that has no safe normal form is never covered.</summary>
    /// <param name="name">The namespace; one that the lease does not name allows nothing, and neither does <c>cost.budget</c>.</param>
    /// <param name="target">
    /// The target as it will be used: a path with <c>/</c> between its segments, an absolute URL, or a name. Symbolic links are not
    /// looked at.
    /// </param>
    public bool Allows(string name, string target)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(target);
        if (target.Length == 0 || !_patterns.TryGetValue(name, out CapabilityPattern[]? patterns) || patterns.Length == 0)
        {
            return false;
        }

        TargetKind kind = patterns[0].Kind;
        if (kind is TargetKind.Name)
        {
            return IsCovered(patterns, target);
        }

        int room = TargetText.Room(kind, target);
        char[]? rented = null;
        Span<char> buffer = room <= MaxOnStack ? stackalloc char[MaxOnStack] : rented = ArrayPool<char>.Shared.Rent(room);
        bool isCovered = TargetText.Normalize(kind, target, isPattern: false, buffer, out int length) is null
            && IsCovered(patterns, buffer[..length]);
        if (rented is not null)
        {
            ArrayPool<char>.Shared.Return(rented);
        }

        return isCovered;
    }

    /// <summary>Whether a child's lease asks for more than this one holds, budgets excluded (§9.4).</summary>
    /// <param name="child">The child's lease.</param>
    /// <returns>
    /// The first namespace and pattern that go beyond; null = each of the child's patterns lies within one pattern of this lease. A
    /// pattern that only several of this lease's patterns together would cover goes beyond. What the child does not name is not
    /// looked at.
    /// </returns>
    public string? FindExcess(CompiledLease child)
    {
        ArgumentNullException.ThrowIfNull(child);
        foreach ((string name, CapabilityPattern[] wanted) in child._patterns)
        {
            CapabilityPattern[] held = _patterns.GetValueOrDefault(name, []);
            foreach (CapabilityPattern pattern in wanted)
            {
                if (!Array.Exists(held, own => own.Includes(pattern)))
                {
                    return $"'{LeaseGrammar.Shown(pattern.ToString())}' in '{LeaseGrammar.Shown(name)}' goes beyond the parent's lease.";
                }
            }
        }

        return null;
    }

    private static bool IsCovered(CapabilityPattern[] patterns, ReadOnlySpan<char> target)
    {
        foreach (CapabilityPattern pattern in patterns)
        {
            if (pattern.Matches(target))
            {
                return true;
            }
        }

        return false;
    }
}
