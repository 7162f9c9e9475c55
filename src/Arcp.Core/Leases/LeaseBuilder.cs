using System.Globalization;

namespace Arcp.Core.Leases;

/// <summary>Puts a lease together; a mistake throws where it is made.</summary>
/// <remarks>
/// Patterns are described at <see cref="CapabilityPattern"/>. Not safe for concurrent use. <see cref="Build"/> may be called more
/// than once; the leases are independent of the builder.
/// </remarks>
public sealed class LeaseBuilder
{
    private readonly OrderedDictionary<string, List<string>> _patterns = new(StringComparer.Ordinal);
    private int _count;
    private int _characters;

    /// <summary>Allows files to be read.</summary>
    /// <param name="pattern">A path such as <c>/data/**</c>; a relative one covers relative targets only.</param>
    /// <exception cref="ArgumentException">The pattern has an error.</exception>
    public LeaseBuilder AllowRead(string pattern) => Allow(LeaseNamespaces.FsRead, pattern);

    /// <summary>Allows files to be written; reading them is another right.</summary>
    /// <param name="pattern">A path such as <c>/out/*.csv</c>; a relative one covers relative targets only.</param>
    /// <exception cref="ArgumentException">The pattern has an error.</exception>
    public LeaseBuilder AllowWrite(string pattern) => Allow(LeaseNamespaces.FsWrite, pattern);

    /// <summary>Allows URLs to be fetched.</summary>
    /// <param name="pattern">An absolute URL such as <c>https://api.example.com/**</c>, or <c>**</c> for every URL.</param>
    /// <exception cref="ArgumentException">The pattern has an error or is no absolute URL.</exception>
    public LeaseBuilder AllowFetch(string pattern)
    {
        ArgumentException.ThrowIfNullOrEmpty(pattern);
        if (pattern != CapabilityPattern.AnyDepth && !pattern.Contains("://", StringComparison.Ordinal))
        {
            throw new ArgumentException("The pattern must be an absolute URL, such as https://api.example.com/**, or **.", nameof(pattern));
        }

        return Allow(LeaseNamespaces.NetFetch, pattern);
    }

    /// <summary>Allows tools to be called.</summary>
    /// <param name="pattern">A name such as <c>search.*</c>.</param>
    /// <exception cref="ArgumentException">The pattern has an error.</exception>
    public LeaseBuilder AllowTool(string pattern) => Allow(LeaseNamespaces.ToolCall, pattern);

    /// <summary>Allows jobs to be handed to other agents.</summary>
    /// <param name="pattern">A name such as <c>worker</c> or <c>worker@*</c>, as the agent will give it.</param>
    /// <exception cref="ArgumentException">The pattern has an error.</exception>
    public LeaseBuilder AllowDelegate(string pattern) => Allow(LeaseNamespaces.AgentDelegate, pattern);

    /// <summary>Allows models to be used.</summary>
    /// <param name="pattern">A name such as <c>gpt-*</c>, or <c>openai/*</c> where names have segments.</param>
    /// <exception cref="ArgumentException">The pattern has an error.</exception>
    public LeaseBuilder AllowModel(string pattern) => Allow(LeaseNamespaces.ModelUse, pattern);

    /// <summary>Limits what may be spent (§9.6); a currency given twice adds up.</summary>
    /// <param name="currency">A letter, then letters, digits, <c>_</c> or <c>-</c>; case-sensitive.</param>
    /// <param name="amount">The amount; not negative, at most 28 digits.</param>
    /// <exception cref="ArgumentException">The currency or the amount is not acceptable, or the sum cannot be exact.</exception>
    public LeaseBuilder Budget(string currency, decimal amount)
    {
        ArgumentException.ThrowIfNullOrEmpty(currency);
        ArgumentOutOfRangeException.ThrowIfNegative(amount);
        return Allow(LeaseNamespaces.CostBudget, string.Create(CultureInfo.InvariantCulture, $"{currency}:{Math.Abs(amount)}"));
    }

    /// <summary>Allows something in any namespace.</summary>
    /// <param name="name">One of <see cref="LeaseNamespaces"/>, or a vendor's: <c>x-vendor.&lt;name&gt;</c>.</param>
    /// <param name="pattern">The pattern, or for <c>cost.budget</c> the amount.</param>
    /// <exception cref="ArgumentException">The namespace or the pattern has an error; the message is <see cref="LeaseGrammar.FindError"/>'s.</exception>
    public LeaseBuilder Allow(string name, string pattern)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(pattern);
        IReadOnlyList<string> amounts = name == LeaseNamespaces.CostBudget && _patterns.TryGetValue(name, out List<string>? before) ? before : [];
        if ((LeaseGrammar.FindError(new Lease([new(name, [.. amounts, pattern])])) ?? LeaseGrammar.FindSizeError(_count + 1, _characters + pattern.Length)) is { } error)
        {
            throw new ArgumentException(error, nameof(pattern));
        }

        _count++;
        _characters += pattern.Length;
        if (!_patterns.TryGetValue(name, out List<string>? patterns))
        {
            _patterns.Add(name, patterns = []);
        }

        patterns.Add(pattern);
        return this;
    }

    /// <summary>The lease as it is now, namespaces and patterns in the order of the calls.</summary>
    public Lease Build() => new(_patterns.Select(entry => KeyValuePair.Create<string, IReadOnlyList<string>>(entry.Key, entry.Value)));
}
