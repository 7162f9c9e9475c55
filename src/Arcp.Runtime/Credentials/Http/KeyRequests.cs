using System.Globalization;
using Arcp.Core;
using Arcp.Core.Leases;

namespace Arcp.Runtime.Credentials.Http;

/// <summary>Says a lease in the key service's words. A key never allows more than the lease.</summary>
internal static class KeyRequests
{
    // An empty list would mean all models to the service; this name is its own way to say none.
    private static readonly string[] NoModels = ["no-default-models"];

    public static GenerateKeyRequest For(CredentialRequest request, HttpKeyProvisionerOptions options, DateTimeOffset now) => new()
    {
        MaxBudget = BudgetOf(request, options),
        Models = ModelsOf(request.Lease, options),
        Duration = DurationOf(request.LeaseConstraints?.ExpiresAt - now, options),
        Metadata = new Dictionary<string, string>
        {
            ["arcp_job_id"] = request.JobId.Value,
            ["arcp_principal"] = request.Principal.Name,
            ["arcp_agent"] = request.Agent,
        },
    };

    private static decimal? BudgetOf(CredentialRequest request, HttpKeyProvisionerOptions options)
    {
        IReadOnlyDictionary<string, decimal>? budgets = request.RemainingBudget ?? LeaseGrammar.Budgets(request.Lease);
        if (budgets?.TryGetValue(options.BudgetCurrency, out decimal budget) != true)
        {
            return options.DefaultMaxBudget;
        }

        return budget > 0 ? budget : throw new ArcpException(ErrorCode.BudgetExhausted, $"Nothing is left of the budget in {options.BudgetCurrency}.");
    }

    private static IReadOnlyList<string>? ModelsOf(Lease lease, HttpKeyProvisionerOptions options)
    {
        if (!lease.TryGetValue(LeaseNamespaces.ModelUse, out IReadOnlyList<string>? patterns))
        {
            return options.DefaultModels is { Count: 0 } ? NoModels : options.DefaultModels;
        }

        string[] models = [.. patterns.SelectMany(pattern => Expand(pattern, options)).Distinct(StringComparer.Ordinal)];
        return models.Length == 0 ? NoModels : models;
    }

    private static IEnumerable<string> Expand(string pattern, HttpKeyProvisionerOptions options)
    {
        if (!pattern.Contains('*', StringComparison.Ordinal))
        {
            return [pattern];
        }

        if (options.KnownModels.Count == 0)
        {
            throw new ArcpException(ErrorCode.InvalidRequest, $"The lease's {LeaseNamespaces.ModelUse} has wildcards; configure {nameof(HttpKeyProvisionerOptions.KnownModels)} to allow them.");
        }

        CapabilityPattern compiled = CapabilityPattern.Parse(LeaseNamespaces.ModelUse, pattern);
        return options.KnownModels.Where(model => compiled.Matches(model));
    }

    // Whole seconds, rounded down, because a key must not outlive its lease.
    private static string? DurationOf(TimeSpan? untilExpiry, HttpKeyProvisionerOptions options)
    {
        TimeSpan? life = untilExpiry is null || options.MaxLifetime < untilExpiry ? options.MaxLifetime : untilExpiry;
        if (life is null)
        {
            return null;
        }

        long seconds = (long)life.Value.TotalSeconds;
        return seconds > 0
            ? string.Create(CultureInfo.InvariantCulture, $"{seconds}s")
            : throw new ArcpException(ErrorCode.LeaseExpired, "The lease ends within a second: no key can be that short-lived.");
    }
}
