namespace Arcp.Core.Leases;

/// <summary>Builds a lease step by step; each mistake is reported where it is made (§9).</summary>
/// <example><code>new LeaseBuilder().AllowRead("/data/**").AllowTool("search.*").Budget("USD", 5m).Build()</code></example>
/// <remarks>Not thread-safe.</remarks>
public sealed class LeaseBuilder
{
    private readonly OrderedDictionary<string, List<string>> _patterns = new(StringComparer.Ordinal);

    /// <summary>Allows to read files: <c>fs.read</c>.</summary>
    /// <param name="paths">Patterns of paths, for example <c>/data/**</c>.</param>
    /// <exception cref="ArgumentException">A pattern is not accepted; the message says why.</exception>
    public LeaseBuilder AllowRead(params ReadOnlySpan<string> paths) => Allow(LeaseNamespaces.FsRead, paths);

    /// <summary>Allows to write files: <c>fs.write</c>.</summary>
    /// <param name="paths">Patterns of paths, for example <c>/data/out/*</c>.</param>
    /// <exception cref="ArgumentException">A pattern is not accepted; the message says why.</exception>
    public LeaseBuilder AllowWrite(params ReadOnlySpan<string> paths) => Allow(LeaseNamespaces.FsWrite, paths);

    /// <summary>Allows to fetch over the network: <c>net.fetch</c>.</summary>
    /// <param name="urls">Patterns of absolute URLs, for example <c>https://api.example.com/**</c>.</param>
    /// <exception cref="ArgumentException">A pattern is not accepted; the message says why.</exception>
    public LeaseBuilder AllowFetch(params ReadOnlySpan<string> urls) => Allow(LeaseNamespaces.NetFetch, urls);

    /// <summary>Allows to call tools: <c>tool.call</c>.</summary>
    /// <param name="tools">Patterns of names, for example <c>search.*</c>.</param>
    /// <exception cref="ArgumentException">A pattern is not accepted; the message says why.</exception>
    public LeaseBuilder AllowTool(params ReadOnlySpan<string> tools) => Allow(LeaseNamespaces.ToolCall, tools);

    /// <summary>Allows to delegate: <c>agent.delegate</c> (§10).</summary>
    /// <param name="agents">Patterns of names, or of <c>name@version</c>.</param>
    /// <exception cref="ArgumentException">A pattern is not accepted; the message says why.</exception>
    public LeaseBuilder AllowDelegate(params ReadOnlySpan<string> agents) => Allow(LeaseNamespaces.AgentDelegate, agents);

    /// <summary>Allows to use models: <c>model.use</c> (§9.7).</summary>
    /// <param name="models">Patterns of names.</param>
    /// <exception cref="ArgumentException">A pattern is not accepted; the message says why.</exception>
    public LeaseBuilder AllowModel(params ReadOnlySpan<string> models) => Allow(LeaseNamespaces.ModelUse, models);

    /// <summary>Allows something in any namespace, for example a vendor's.</summary>
    /// <param name="name">The namespace; not <c>cost.budget</c>, see <see cref="Budget"/>.</param>
    /// <param name="patterns">The patterns; none = the namespace is named and allows nothing.</param>
    /// <exception cref="ArgumentException">The namespace or a pattern is not accepted; the message says why.</exception>
    public LeaseBuilder Allow(string name, params ReadOnlySpan<string> patterns)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (name == LeaseNamespaces.CostBudget)
        {
            throw new ArgumentException($"Use {nameof(Budget)} for {LeaseNamespaces.CostBudget}.", nameof(name));
        }

        return Add(name, patterns);
    }

    /// <summary>Bounds what may be spent in a currency (§9.6). Several budgets in one currency add up.</summary>
    /// <param name="currency">The currency: <c>[A-Za-z][A-Za-z0-9_-]*</c>.</param>
    /// <param name="amount">The amount, exact; at least 0.</param>
    /// <exception cref="ArgumentException">The currency is not accepted, or the amount is negative.</exception>
    public LeaseBuilder Budget(string currency, decimal amount) =>
        Add(LeaseNamespaces.CostBudget, [FormattableString.Invariant($"{currency}:{amount}")]);

    /// <summary>The lease as it stands.</summary>
    public Lease Build() => new(_patterns.Select(entry => KeyValuePair.Create<string, IReadOnlyList<string>>(entry.Key, entry.Value)));

    private LeaseBuilder Add(string name, ReadOnlySpan<string> patterns)
    {
        bool isNamed = _patterns.TryGetValue(name, out List<string>? before);
        List<string> all = [.. before ?? [], .. patterns];
        if (all.Contains(null!))
        {
            throw new ArgumentException($"A pattern in {name} is null.", nameof(patterns));
        }

        // The whole lease is looked at, because sums and lengths are bounded as well.
        _patterns[name] = all;
        if (LeaseGrammar.FindError(Build()) is { } error)
        {
            if (isNamed)
            {
                _patterns[name] = before!;
            }
            else
            {
                _patterns.Remove(name);
            }

            throw new ArgumentException(error, nameof(patterns));
        }

        return this;
    }
}
