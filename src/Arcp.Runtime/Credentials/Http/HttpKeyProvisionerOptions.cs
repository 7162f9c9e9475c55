namespace Arcp.Runtime.Credentials.Http;

/// <summary>Where a key service of the LiteLLM kind is, and what its keys are to allow.</summary>
public sealed record HttpKeyProvisionerOptions
{
    /// <summary>The service: <c>POST key/generate</c> and <c>POST key/delete</c> are below it. Absolute, <c>http</c> or <c>https</c>, without user info and query.</summary>
    public required Uri BaseAddress { get; init; }

    /// <summary>The key that may make keys, presented as a bearer token; not blank, visible ASCII. A secret.</summary>
    public required string MasterKey { get; init; }

    /// <summary>Where agents use their keys. Null (the default) = <see cref="BaseAddress"/>.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>The dialect spoken there. Default <c>openai</c>; null = none is named.</summary>
    public string? Profile { get; init; } = "openai";

    /// <summary>The currency of the service's budgets: a lease's budget in it becomes the key's <c>max_budget</c>. Default <c>USD</c>; not blank.</summary>
    public string BudgetCurrency { get; init; } = "USD";

    /// <summary>The budget of keys for leases that have none in <see cref="BudgetCurrency"/>. Null (the default) = no budget; greater than 0.</summary>
    public decimal? DefaultMaxBudget { get; init; }

    /// <summary>The models that keys may use when the lease has no <c>model.use</c>. Null (the default) = all that the service offers; empty = none.</summary>
    public IReadOnlyList<string>? DefaultModels { get; init; }

    /// <summary>The service's models, which a lease's patterns with wildcards are expanded to. Default empty: leases with wildcards are then refused, because the service's own wildcards allow more than ours.</summary>
    public IReadOnlyList<string> KnownModels { get; init; } = [];

    /// <summary>The longest life of a key, also for leases that do not expire: it ends a key that nothing else ended. Null (the default) = as long as the lease; at least 1 s.</summary>
    public TimeSpan? MaxLifetime { get; init; }

    /// <summary>Leaves out the master key.</summary>
    public override string ToString() => $"HttpKeyProvisionerOptions {{ BaseAddress = {BaseAddress}, MasterKey = ***, Endpoint = {Endpoint} }}";

    /// <summary>Lists what is wrong, each with what is accepted.</summary>
    internal IEnumerable<string> FindErrors()
    {
        (bool Holds, string Rule)[] rules =
        [
            (IsAddress(BaseAddress), $"{nameof(BaseAddress)} must be an absolute http or https address without user info and query."),
            (!string.IsNullOrWhiteSpace(MasterKey) && MasterKey.All(c => c is > ' ' and < (char)127), $"{nameof(MasterKey)} must not be blank, and visible ASCII."),
            (Endpoint is null || Endpoint.IsAbsoluteUri, $"{nameof(Endpoint)} must be absolute."),
            (!string.IsNullOrWhiteSpace(BudgetCurrency), $"{nameof(BudgetCurrency)} must not be blank."),
            (DefaultMaxBudget is null or > 0, $"{nameof(DefaultMaxBudget)} must be greater than 0."),
            (KnownModels is not null, $"{nameof(KnownModels)} must not be null."),
            (MaxLifetime is null || MaxLifetime >= TimeSpan.FromSeconds(1), $"{nameof(MaxLifetime)} must be at least 1 s."),
        ];
        return rules.Where(rule => !rule.Holds).Select(rule => rule.Rule);
    }

    private static bool IsAddress(Uri? address) =>
        address is { IsAbsoluteUri: true, UserInfo: "", Query: "", Fragment: "" } && (address.Scheme == Uri.UriSchemeHttp || address.Scheme == Uri.UriSchemeHttps);
}
