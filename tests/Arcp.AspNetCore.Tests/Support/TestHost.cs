using System.Net.WebSockets;
using Arcp.Core;
using Arcp.Core.Transports;
using Arcp.Runtime;
using Arcp.Runtime.Agents;
using Arcp.Runtime.DependencyInjection;
using Arcp.Runtime.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;

namespace Arcp.AspNetCore.Tests.Support;

/// <summary>The one place where tests start an application: real Kestrel on a free loopback port, a runtime with the token secret-a (alice) and a few agents.</summary>
public sealed class TestHost : IAsyncDisposable
{
    private readonly WebApplication _app;

    private TestHost(WebApplication app)
    {
        _app = app;
        Address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
    }

    /// <summary>Where it listens, for example http://127.0.0.1:40123.</summary>
    public Uri Address { get; }

    public Uri Endpoint => new UriBuilder(Address) { Scheme = "ws", Path = "/arcp" }.Uri;

    public ArcpRuntime Runtime => _app.Services.GetRequiredService<ArcpRuntime>();

    public static async Task<TestHost> StartAsync(
        Action<ArcpEndpointOptions>? endpoint = null,
        Action<ArcpRuntimeBuilder>? runtime = null,
        Action<WebApplicationBuilder>? services = null,
        Action<WebApplication>? middleware = null,
        Action<IEndpointConventionBuilder>? conventions = null,
        string url = "http://127.0.0.1:0")
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls(url);
        builder.Services.AddRoutingCore();
        ArcpRuntimeBuilder arcp = builder.Services.AddArcpRuntime(options => options.ShutdownGrace = TimeSpan.FromSeconds(1))
            .AddBearerToken("secret-a", "alice")
            .AddAgent("echo", "1.0.0", (job, _) => Task.FromResult<RawJson?>(job.Input))
            .AddAgent("whoami", "1.0.0", (job, _) => Task.FromResult<RawJson?>(RawJson.From(job.Principal.Name)))
            .AddAgent("tick", "1.0.0", TickAsync);
        runtime?.Invoke(arcp);
        services?.Invoke(builder);

        WebApplication app = builder.Build();
        middleware?.Invoke(app);
        IEndpointConventionBuilder mapped = app.MapArcp("/arcp", endpoint);
        conventions?.Invoke(mapped);
        await app.StartAsync();
        return new TestHost(app);
    }

    /// <summary>Opens a connection that has not said hello.</summary>
    public async Task<WireClient> ConnectAsync(Action<ClientWebSocketOptions>? configure = null)
    {
        using CancellationTokenSource patience = Patience.New();
        return new WireClient(await WebSocketTransport.ConnectAsync(Endpoint, configure, patience.Token));
    }

    /// <summary>Opens a session.</summary>
    public async Task<WireClient> OpenAsync()
    {
        WireClient client = await ConnectAsync();
        await client.HelloAsync();
        return client;
    }

    /// <summary>Sends an upgrade request, header by header, and reads the first line of the answer and its headers.</summary>
    public Task<RawResponse> RequestUpgradeAsync(string host, params string[] headers) => RawResponse.ToUpgradeAsync(Address, host, headers);

    public async Task StopAsync()
    {
        using CancellationTokenSource patience = Patience.New();
        await _app.StopAsync(patience.Token);
    }

    /// <summary>Waits until the runtime holds no connection.</summary>
    public Task NoConnectionsAsync() => Patience.UntilAsync(() => Runtime.GetStatistics().Connections == 0, "all connections have ended");

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await _app.DisposeAsync();
    }

    // Emits until it is asked to stop, and waits a turn after each event so that others get theirs.
    private static async Task<RawJson?> TickAsync(JobContext job, CancellationToken cancellationToken)
    {
        while (true)
        {
            await job.LogAsync("tick");
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, cancellationToken);
        }
    }
}
