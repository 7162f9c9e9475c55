using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace DurableRestart;

/// <summary>The runtime, in a process of its own: one line makes it durable.</summary>
internal static class Server
{
    public static async Task<int> RunAsync(string url, string file)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls(url);
        builder.Logging.SetMinimumLevel(LogLevel.Error);
        builder.Services.AddArcpRuntime()
            .UseSqliteStore($"Data Source={file}")
            .AddBearerToken("secret", principal: "alice")
            .AddAgent<int, string>("clock", "1.0.0", async (ticks, job, cancellationToken) =>
            {
                for (int i = 1; i <= ticks; i++)
                {
                    await job.LogAsync($"tick {i}");
                    await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancellationToken);
                }

                return $"{ticks} ticks";
            });
        await using WebApplication app = builder.Build();
        app.MapArcp("/arcp");
        await app.StartAsync();
        Console.WriteLine(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        await app.WaitForShutdownAsync();
        return 0;
    }
}
