using Arcp.Runtime;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Arcp.AspNetCore;

/// <summary>Reports whether the runtime takes jobs: healthy until it stops. The numbers of <see cref="ArcpRuntimeStatistics"/> come with the report.</summary>
/// <param name="runtime">The runtime.</param>
public sealed class ArcpHealthCheck(ArcpRuntime runtime) : IHealthCheck
{
    /// <inheritdoc/>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        ArcpRuntimeStatistics statistics = runtime.GetStatistics();
        var data = new Dictionary<string, object>
        {
            ["connections"] = statistics.Connections,
            ["sessions"] = statistics.Sessions,
            ["jobs"] = statistics.Jobs,
            ["jobs_running"] = statistics.RunningJobs,
            ["buffered_bytes"] = statistics.BufferedBytes,
        };
        return Task.FromResult(runtime.IsStopping
            ? HealthCheckResult.Unhealthy("The ARCP runtime is stopping.", data: data)
            : HealthCheckResult.Healthy("The ARCP runtime takes jobs.", data));
    }
}
