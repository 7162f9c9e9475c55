using Arcp.Core.Events;
using Arcp.Core.Messages;

namespace Arcp.Client.Jobs;

/// <summary>What a job has been lent and has left, as of the last event that says so (§9.6, §9.8).</summary>
/// <remarks>Changed under the dispatcher's lock only; may be read from any thread. Events that come again, and answers that say what was once, change nothing.</remarks>
internal sealed class CurrentGrants
{
    private volatile IReadOnlyList<ProvisionedCredential> _credentials = [];
    private volatile IReadOnlyDictionary<string, decimal>? _budget;
    private long _credentialsAsOf;
    private long _budgetAsOf;

    public IReadOnlyList<ProvisionedCredential> Credentials => _credentials;

    /// <summary>What is left of each currency; null = nothing is known of a budget.</summary>
    public IReadOnlyDictionary<string, decimal>? RemainingBudget => _budget;

    /// <summary>Takes what an answer says; absent means that it does not.</summary>
    /// <param name="credentials">The credentials.</param>
    /// <param name="budget">The counters.</param>
    /// <param name="asOf">The place in the job's log where that was so (§8.3).</param>
    public void Set(IReadOnlyList<ProvisionedCredential>? credentials, IReadOnlyDictionary<string, decimal>? budget, long asOf)
    {
        if (credentials is not null && asOf >= _credentialsAsOf)
        {
            (_credentials, _credentialsAsOf) = (credentials, asOf);
        }

        if (budget is not null && asOf >= _budgetAsOf)
        {
            (_budget, _budgetAsOf) = (budget, asOf);
        }
    }

    /// <summary>Takes an event.</summary>
    /// <param name="body">What happened.</param>
    /// <param name="number">Its place in the job's log.</param>
    public void OnEvent(EventBody body, long number)
    {
        switch (body)
        {
            case StatusEvent { Phase: "credential_rotated" } rotated
                when number > _credentialsAsOf && (rotated.Id ?? rotated.CredentialId) is { } id && (rotated.Value ?? rotated.CredentialValue) is { } value:
                _credentials = [.. _credentials.Select(credential => credential.Id == id ? credential with { Value = value } : credential)];
                _credentialsAsOf = number;
                break;
            case MetricEvent { Name: "cost.budget.remaining", Unit: { } currency } metric when number > _budgetAsOf:
                _budget = new Dictionary<string, decimal>(_budget ?? new Dictionary<string, decimal>(), StringComparer.Ordinal) { [currency] = metric.Value };
                _budgetAsOf = number;
                break;
            default:
                break;
        }
    }
}
