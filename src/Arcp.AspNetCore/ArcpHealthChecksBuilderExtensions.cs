using Arcp.AspNetCore;

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
}
