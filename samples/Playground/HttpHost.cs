using Arcp.Runtime.DependencyInjection;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace Playground;

/// <summary>The playground over HTTP: the WebSocket endpoint, <c>/healthz</c>, <c>/stats</c> and <c>/debug/credentials</c>.</summary>
internal static class HttpHost
{
    /// <summary>What is left of the 5 seconds that the playground may take to end is for the process itself.</summary>
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(4);

    public static async Task<int> RunAsync(PlaygroundFlags flags)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls([.. flags.Urls]);
        StderrLogging.Configure(builder.Logging);
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = ShutdownTimeout);
        ArcpRuntimeBuilder runtime = builder.Services.AddArcpRuntime(options => RuntimeSettings.Apply(flags, options));
        DemonstrationCredentials? credentials = RuntimeSettings.OpenCredentials(flags);
        RuntimeSettings.AddParts(flags, credentials, runtime);

        await using WebApplication app = builder.Build();
        app.MapArcp(flags.Path);
        app.MapDiagnostics(credentials);
        try
        {
            await app.StartAsync();
        }
        catch (Exception e) when (e is IOException or InvalidOperationException or System.Net.Sockets.SocketException)
        {
            await Console.Error.WriteLineAsync($"playground: it cannot listen on {string.Join(";", flags.Urls)}: {e.Message}");
            return 1;
        }

        await Console.Out.WriteLineAsync($"LISTENING {EndpointOf(app, flags)}");
        await app.WaitForShutdownAsync();
        return 0;
    }

    private static string EndpointOf(WebApplication app, PlaygroundFlags flags)
    {
        string address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return $"ws{address["http".Length..].TrimEnd('/')}{flags.Path}";
    }
}
