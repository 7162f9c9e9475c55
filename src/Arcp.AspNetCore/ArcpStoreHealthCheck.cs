using Arcp.Runtime;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Arcp.AspNetCore;

/// <summary>Reports whether the durable store keeps what it is given: healthy until a commit fails, and again once it succeeds. Without a store always healthy.</summary>
/// <param name="runtime">The runtime.</param>
public sealed class ArcpStoreHealthCheck(ArcpRuntime runtime) : IHealthCheck
{
    /// <inheritdoc/>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(context);
        return Task.FromResult(Report(runtime.GetStatistics(), context.Registration.FailureStatus));
    }

    internal static HealthCheckResult Report(ArcpRuntimeStatistics statistics, HealthStatus failureStatus)
    {
        var data = new Dictionary<string, object> { ["uncommitted_bytes"] = statistics.UncommittedBytes };
        return statistics.IsStoreFailing
            ? new HealthCheckResult(failureStatus, "The store refuses what it is given; nothing new is shown until it takes it.", data: data)
            : HealthCheckResult.Healthy("The store takes what it is given.", data);
    }
}
