using Arcp.AspNetCore;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the runtime to a host's health checks.</summary>
public static class ArcpHealthChecksBuilderExtensions
{
    /// <summary>Adds <see cref="ArcpHealthCheck"/>. The runtime must be registered with <c>services.AddArcpRuntime()</c>.</summary>
    /// <param name="builder">The host's health checks.</param>
    /// <param name="name">The check's name; default <c>arcp</c>.</param>
    public static IHealthChecksBuilder AddArcp(this IHealthChecksBuilder builder, string name = "arcp")
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.AddCheck<ArcpHealthCheck>(name);
    }

    /// <summary>Adds <see cref="ArcpCredentialHealthCheck"/>. The runtime must be registered with <c>services.AddArcpRuntime()</c>.</summary>
    /// <param name="builder">The host's health checks.</param>
    /// <param name="name">The check's name; default <c>arcp_credentials</c>.</param>
    /// <param name="failureStatus">What is reported when a revocation has been given up. Default <see cref="HealthStatus.Degraded"/>, because the runtime still works.</param>
    public static IHealthChecksBuilder AddArcpCredentials(this IHealthChecksBuilder builder, string name = "arcp_credentials", HealthStatus failureStatus = HealthStatus.Degraded)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.AddCheck<ArcpCredentialHealthCheck>(name, failureStatus);
    }

    /// <summary>Adds <see cref="ArcpStoreHealthCheck"/>. The runtime must be registered with <c>services.AddArcpRuntime()</c>.</summary>
    /// <param name="builder">The host's health checks.</param>
    /// <param name="name">The check's name; default <c>arcp_store</c>.</param>
    /// <param name="failureStatus">What is reported while commits fail. Default <see cref="HealthStatus.Unhealthy"/>, because nothing new is accepted or shown meanwhile.</param>
    public static IHealthChecksBuilder AddArcpStore(this IHealthChecksBuilder builder, string name = "arcp_store", HealthStatus failureStatus = HealthStatus.Unhealthy)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.AddCheck<ArcpStoreHealthCheck>(name, failureStatus);
    }
}
