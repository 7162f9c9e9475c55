using System.Diagnostics.CodeAnalysis;
using Arcp.AspNetCore;
using Arcp.Runtime;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Puts the ARCP runtime of an application onto a path.</summary>
public static class ArcpEndpointRouteBuilderExtensions
{
    /// <summary>Serves ARCP over WebSockets on a path (§4). Neither <c>UseWebSockets()</c> nor anything else is needed beside it.</summary>
    /// <remarks>
    /// <para>
    /// A request whose <c>Host</c> or <c>Origin</c> is not accepted is answered with 403, one that is no WebSocket request with 426
    /// (400 over HTTP/2 and later), both before any upgrade. May be called for several paths, each with its own settings and policies;
    /// they share the one runtime.
    /// </para>
    /// <para>
    /// When the host stops, the runtime first ends its jobs and connections in order (§7.3), within the host's shutdown timeout.
    /// </para>
    /// </remarks>
    /// <param name="endpoints">The application.</param>
    /// <param name="pattern">The path, a route pattern. Default <c>/arcp</c>.</param>
    /// <param name="configure">The settings; null = the defaults.</param>
    /// <returns>Adds policies and metadata to the endpoint, for example <c>RequireAuthorization()</c>.</returns>
    /// <exception cref="InvalidOperationException">A setting is wrong, or <c>services.AddArcpRuntime()</c> was not called.</exception>
    public static IEndpointConventionBuilder MapArcp(
        this IEndpointRouteBuilder endpoints, [StringSyntax("Route")] string pattern = "/arcp", Action<ArcpEndpointOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(pattern);
        if (endpoints.ServiceProvider.GetService<IServiceProviderIsService>()?.IsService(typeof(ArcpRuntime)) == false)
        {
            throw new InvalidOperationException("There is no ARCP runtime: call services.AddArcpRuntime() before MapArcp().");
        }

        var options = new ArcpEndpointOptions();
        configure?.Invoke(options);
        string[] errors = [.. options.FindErrors()];
        if (errors.Length > 0)
        {
            throw new InvalidOperationException($"The options of the ARCP endpoint '{pattern}' are wrong: {string.Join(" ", errors)}");
        }

        ILogger logger = endpoints.ServiceProvider.GetRequiredService<ILoggerFactory>().CreateLogger("Arcp.AspNetCore");
        var endpoint = new ArcpEndpoint(options, endpoints.ServiceProvider, logger);
        IApplicationBuilder pipeline = endpoints.CreateApplicationBuilder();
        pipeline.UseWebSockets();
        pipeline.Run(endpoint.HandleAsync);
        return endpoints.Map(pattern, pipeline.Build()).WithDisplayName($"ARCP {pattern}");
    }
}
