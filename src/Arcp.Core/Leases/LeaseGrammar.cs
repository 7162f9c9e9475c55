using System.Collections.Frozen;
using System.Globalization;

namespace Arcp.Core.Leases;

/// <summary>The rules that a lease request has to follow before anybody looks at what it asks for (§9, §9.6).</summary>
public static class LeaseGrammar
{
    /// <summary>How many characters a pattern may have.</summary>
    public const int MaxPatternLength = 1024;

    /// <summary>How many characters all patterns of a lease may have together. What is compared with what grows with it, and leases come from strangers.</summary>
    public const int MaxLeaseLength = 32 * 1024;

    private const int MaxShown = 80;

    // As many digits as a decimal holds whatever they are; more would be rounded, and a budget is exact (§9.6).
    private const int MaxDigits = 28;

    private static readonly FrozenSet<string> Namespaces = FrozenSet.Create(
        StringComparer.Ordinal,
        LeaseNamespaces.FsRead,
        LeaseNamespaces.FsWrite,
        LeaseNamespaces.NetFetch,
        LeaseNamespaces.ToolCall,
        LeaseNamespaces.AgentDelegate,
        LeaseNamespaces.CostBudget,
        LeaseNamespaces.ModelUse);

    /// <summary>Checks a lease request.</summary>
    /// <param name="lease">The request.</param>
    /// <returns>What is wrong, naming the entry and what is accepted; null = nothing.</returns>
    public static string? FindError(Lease lease)
    {
        ArgumentNullException.ThrowIfNull(lease);
        foreach ((string name, IReadOnlyList<string> patterns) in lease)
        {
            if (!IsNamespace(name))
            {
                return $"lease_request: '{Shown(name)}' is not a namespace; accepted are {string.Join(", ", Namespaces.Order())} and {LeaseNamespaces.VendorPrefix}<name>.";
            }

            foreach (string pattern in patterns)
            {
                if (FindPatternError(name, pattern) is { } error)
                {
                    return $"lease_request: {error}";
                }
            }
        }

        if (lease.Sum(entry => entry.Value.Sum(static pattern => (long)pattern.Length)) > MaxLeaseLength)
        {
            return $"lease_request: its patterns have more than {MaxLeaseLength} characters together.";
        }

        return lease.TryGetValue(LeaseNamespaces.CostBudget, out IReadOnlyList<string>? amounts) && SumBudgets(amounts) is null
            ? $"lease_request: the amounts in {LeaseNamespaces.CostBudget} add up to more than {MaxDigits} digits."
            : null;
    }

    /// <summary>Checks a pattern of a namespace.</summary>
    /// <returns>What is wrong, naming the pattern and what is accepted; null = nothing.</returns>
    internal static string? FindPatternError(string name, string pattern) => pattern switch
    {
        "" => $"'{Shown(name)}' holds an empty pattern; each pattern must be a non-empty string.",
        { Length: > MaxPatternLength } => $"'{Shown(pattern)}' in {Shown(name)} has more than {MaxPatternLength} characters.",
        _ when name == LeaseNamespaces.CostBudget => TryParseBudget(pattern, out _, out _)
            ? null
            : $"'{Shown(pattern)}' in {name} is not an amount; accepted is CURRENCY:digits[.digits], such as USD:5.00, of at most {MaxDigits} digits.",
        _ => TargetNormalizer.FindPatternError(pattern, LeaseNamespaces.KindOf(name)) is { } error
            ? $"'{Shown(pattern)}' in {Shown(name)} {error}"
            : null,
    };

    /// <summary>Names and patterns come from the peer and may be as long as a frame.</summary>
    internal static string Shown(string text) => text.Length <= MaxShown ? text : string.Concat(text.AsSpan(0, MaxShown), "…");

    /// <summary>Adds up the amounts of <c>cost.budget</c>, each currency for itself.</summary>
    /// <param name="lease">A lease without errors.</param>
    /// <returns>The amounts; null when the lease has no budget.</returns>
    public static IReadOnlyDictionary<string, decimal>? Budgets(Lease lease)
    {
        ArgumentNullException.ThrowIfNull(lease);
        if (!lease.TryGetValue(LeaseNamespaces.CostBudget, out IReadOnlyList<string>? amounts))
        {
            return null;
        }

        return SumBudgets(amounts) ?? throw new ArgumentException("The amounts are too large or too fine to be added up exactly.", nameof(lease));
    }

    // Null when a sum would overflow or be rounded.
    private static Dictionary<string, decimal>? SumBudgets(IEnumerable<string> amounts)
    {
        var budgets = new Dictionary<string, decimal>(StringComparer.Ordinal);
        foreach (string amount in amounts)
        {
            if (TryParseBudget(amount, out string currency, out decimal value))
            {
                decimal before = budgets.GetValueOrDefault(currency);
                if (value > decimal.MaxValue - before || before + value - before != value || before + value - value != before)
                {
                    return null;
                }

                budgets[currency] = before + value;
            }
        }

        return budgets;
    }

    // Without leading zeros, and without trailing ones behind the point.
    private static int SignificantDigits(ReadOnlySpan<char> number)
    {
        int point = number.IndexOf('.');
        return point < 0
            ? number.TrimStart('0').Length
            : number[..point].TrimStart('0').Length + number[(point + 1)..].TrimEnd('0').Length;
    }

    private static bool IsNamespace(string name) =>
        Namespaces.Contains(name) || (name.StartsWith(LeaseNamespaces.VendorPrefix, StringComparison.Ordinal) && name.Length > LeaseNamespaces.VendorPrefix.Length);

    // CUR:digits[.digits]; signs, exponents and blanks are refused by AllowDecimalPoint alone, bare points by the digit checks.
    private static bool TryParseBudget(string text, out string currency, out decimal value)
    {
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        currency = colon > 0 ? text[..colon] : string.Empty;
        value = 0;
        ReadOnlySpan<char> number = colon > 0 ? text.AsSpan(colon + 1) : default;
        return currency.Length > 0
            && char.IsAsciiLetter(currency[0])
            && currency.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-')
            && number.Length > 0 && char.IsAsciiDigit(number[0]) && char.IsAsciiDigit(number[^1])
            && SignificantDigits(number) <= MaxDigits
            && decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out value);
    }
}
