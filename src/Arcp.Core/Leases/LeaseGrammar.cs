using System.Collections.Frozen;
using System.Globalization;

namespace Arcp.Core.Leases;

/// <summary>The rules that a lease request has to follow before anybody looks at what it asks for (§9, §9.6).</summary>
public static class LeaseGrammar
{
    /// <summary>The namespace of budgets: its patterns are amounts such as <c>USD:5.00</c>.</summary>
    public const string CostBudget = "cost.budget";

    /// <summary>The namespace of models.</summary>
    public const string ModelUse = "model.use";

    private const string VendorPrefix = "x-vendor.";

    private static readonly FrozenSet<string> Namespaces = FrozenSet.Create(
        StringComparer.Ordinal,
        "fs.read", "fs.write", "net.fetch", "tool.call", "agent.delegate", CostBudget, ModelUse);

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
                return $"lease_request: '{name}' is not a namespace; accepted are {string.Join(", ", Namespaces.Order())} and {VendorPrefix}<name>.";
            }

            var totals = new Dictionary<string, decimal>(StringComparer.Ordinal);
            foreach (string pattern in patterns)
            {
                if (pattern.Length == 0)
                {
                    return $"lease_request: '{name}' holds an empty pattern; each pattern must be a non-empty string.";
                }

                if (name != CostBudget)
                {
                    continue;
                }

                if (!TryParseBudget(pattern, out string currency, out decimal value))
                {
                    return $"lease_request: '{pattern}' in {CostBudget} is not an amount; accepted is CURRENCY:digits[.digits], such as USD:5.00.";
                }

                decimal total = totals.GetValueOrDefault(currency);
                if (value > decimal.MaxValue - total)
                {
                    return $"lease_request: the amounts of '{currency}' in {CostBudget} add up to more than {decimal.MaxValue}.";
                }

                totals[currency] = total + value;
            }
        }

        return null;
    }

    /// <summary>Adds up the amounts of <c>cost.budget</c>, each currency for itself.</summary>
    /// <param name="lease">A lease without errors.</param>
    /// <returns>The amounts; null when the lease has no budget.</returns>
    public static IReadOnlyDictionary<string, decimal>? Budgets(Lease lease)
    {
        ArgumentNullException.ThrowIfNull(lease);
        if (!lease.TryGetValue(CostBudget, out IReadOnlyList<string>? amounts))
        {
            return null;
        }

        var budgets = new Dictionary<string, decimal>(StringComparer.Ordinal);
        foreach (string amount in amounts)
        {
            if (TryParseBudget(amount, out string currency, out decimal value))
            {
                budgets[currency] = budgets.GetValueOrDefault(currency) + value;
            }
        }

        return budgets;
    }

    private static bool IsNamespace(string name) =>
        Namespaces.Contains(name) || (name.StartsWith(VendorPrefix, StringComparison.Ordinal) && name.Length > VendorPrefix.Length);

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
            && decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out value);
    }
}
