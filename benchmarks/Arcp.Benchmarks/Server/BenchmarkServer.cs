using Arcp.Runtime.DependencyInjection;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace Arcp.Benchmarks.Server;

/// <summary>The process that is measured: the runtime with its defaults behind Kestrel, the baselines, and a way to ask.</summary>
internal static class BenchmarkServer
{
    /// <summary>How many tokens there are, each a principal of its own: a principal has at most 1,000 sessions by default.</summary>
    public const int Principals = 32;

    /// <summary>Written with the address once the server listens.</summary>
    public const string ReadyLine = "LISTENING ";

    public static string TokenOf(int principal) => $"token-{principal % Principals}";

    /// <summary>Serves until its standard input ends, so it never outlives who started it.</summary>
    public static async Task<int> RunAsync(string[] args)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var gate = new StartGate();
        builder.Services.AddSingleton(gate);
        builder.Services.AddSingleton<PeakMemory>();
        builder.Services.AddSingleton<LeapingClock>();
        if (args.Contains("--leap"))
        {
            builder.Services.AddSingleton<TimeProvider>(services => services.GetRequiredService<LeapingClock>());
        }

        ArcpRuntimeBuilder runtime = builder.Services.AddArcpRuntime();
        for (int i = 0; i < Principals; i++)
        {
            runtime.AddBearerToken(TokenOf(i), $"principal-{i}");
        }

        BenchmarkAgents.AddAll(runtime, gate);

        await using WebApplication app = builder.Build();
        app.MapRaw();
        app.MapArcp();
        app.MapControl();
        await app.StartAsync();
        string address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        await Console.Out.WriteLineAsync(ReadyLine + address);
        while (await Console.In.ReadLineAsync() is not null)
        {
            // Only the end says something.
        }

        await app.StopAsync();
        return 0;
    }
}
