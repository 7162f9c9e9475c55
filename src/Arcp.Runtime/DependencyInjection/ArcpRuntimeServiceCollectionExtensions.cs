using Arcp.Runtime;
using Arcp.Runtime.Configuration;
using Arcp.Runtime.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers an ARCP runtime.</summary>
public static class ArcpRuntimeServiceCollectionExtensions
{
    /// <summary>Registers the one <see cref="ArcpRuntime"/> of the host, which stops it in order when it stops. Calling again adds to the same runtime.</summary>
    /// <param name="services">The host's services. A registered <see cref="TimeProvider"/> is used as the clock.</param>
    /// <param name="configure">The settings; they are validated when the host starts.</param>
    /// <returns>Adds agents and tokens.</returns>
    public static ArcpRuntimeBuilder AddArcpRuntime(this IServiceCollection services, Action<ArcpRuntimeOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        OptionsBuilder<ArcpRuntimeOptions> options = services.AddOptions<ArcpRuntimeOptions>();
        if (configure is not null)
        {
            options.Configure(configure);
        }

        if (services.FirstOrDefault(service => service.ServiceType == typeof(ArcpRuntimeBuilder))?.ImplementationInstance is ArcpRuntimeBuilder existing)
        {
            return existing;
        }

        var builder = new ArcpRuntimeBuilder { Services = services };
        services.AddSingleton(builder);
        services.AddSingleton(provider => builder.Build(
            provider,
            provider.GetRequiredService<IOptions<ArcpRuntimeOptions>>().Value,
            provider.GetService<TimeProvider>() ?? TimeProvider.System,
            provider.GetService<ILoggerFactory>() ?? NullLoggerFactory.Instance));
        services.AddHostedService<ArcpRuntimeService>();
        return builder;
    }
}

/// <summary>Builds the runtime when the host starts, so that mistakes show at once, and stops it with the host.</summary>
internal sealed class ArcpRuntimeService(ArcpRuntime runtime) : IHostedLifecycleService
{
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Before the web server starts, so that nobody connects before what the last run has left is there.</summary>
    public Task StartingAsync(CancellationToken cancellationToken) => runtime.StartAsync(cancellationToken);

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Before the web server stops, so that it still carries the last frames.</summary>
    public Task StoppingAsync(CancellationToken cancellationToken) => runtime.StopAsync(cancellationToken);
}
