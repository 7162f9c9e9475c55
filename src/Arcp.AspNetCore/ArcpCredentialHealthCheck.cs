using Arcp.Runtime;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Arcp.AspNetCore;

/// <summary>Reports credentials that could not be revoked (§9.8): healthy while there are none. They stay valid until somebody revokes them at their provider, or the next start does.</summary>
/// <param name="runtime">The runtime.</param>
public sealed class ArcpCredentialHealthCheck(ArcpRuntime runtime) : IHealthCheck
{
    /// <inheritdoc/>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(context);
        return Task.FromResult(Report(runtime.GetStatistics(), context.Registration.FailureStatus));
    }

    internal static HealthCheckResult Report(ArcpRuntimeStatistics statistics, HealthStatus failureStatus)
    {
        var data = new Dictionary<string, object>
        {
            ["credentials_outstanding"] = statistics.OutstandingCredentials,
            ["credentials_dead_letters"] = statistics.CredentialDeadLetters,
        };
        return statistics.CredentialDeadLetters == 0
            ? HealthCheckResult.Healthy("No revocation has been given up.", data)
            : new HealthCheckResult(failureStatus, $"{statistics.CredentialDeadLetters} credentials could not be revoked.", data: data);
    }
}
