using Arcp.Client;
using Arcp.Core.Events;
using Arcp.Core.Messages;
using Client.Reconnect;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

const int Ticks = 60;
WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.WebHost.UseUrls("http://127.0.0.1:0");
builder.Logging.SetMinimumLevel(LogLevel.Error);
builder.Services.AddArcpRuntime()
    .AddBearerToken("secret", principal: "alice")
    .AddAgent("clock", "1.0.0", async (job, cancellationToken) =>
    {
        for (int i = 1; i <= Ticks; i++)
        {
            await job.LogAsync($"tick {i}");
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, cancellationToken);
        }

        return job.Input;
    });
await using WebApplication app = builder.Build();
app.MapArcp("/arcp");
await app.StartAsync();
string address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

var network = new BreakingNetwork(new Uri($"{address}/arcp"), framesPerConnection: 12);
await using ArcpClient client = await ArcpClient.ConnectAsync(
    network.DialAsync,
    new() { Token = "secret", Reconnect = { InitialDelay = TimeSpan.FromMilliseconds(20) } });
await using JobHandle job = await client.SubmitAsync("clock", "done");

var ticks = new List<string>();
await foreach (JobEvent e in job.Events)
{
    if (e.Body is LogEvent log)
    {
        ticks.Add(log.Message);
    }
}

string result = await job.GetResultAsync<string>();
IReadOnlyList<IReadOnlyList<long>> connections = network.Carried;
for (int i = 0; i < connections.Count; i++)
{
    Console.WriteLine($"connection {i + 1} carried {(connections[i] is [var first, .., var last] ? $"event_seq {first} to {last}" : $"{connections[i].Count} events")}");
}

// One event says that the agent runs, one frame that the job has ended.
List<long> joined = [.. connections.SelectMany(numbers => numbers).Distinct()];
bool isWhole = joined.SequenceEqual(Enumerable.Range(1, Ticks + 2).Select(i => (long)i))
    && ticks.SequenceEqual(Enumerable.Range(1, Ticks).Select(i => $"tick {i}"));
Console.WriteLine($"joined: {ticks.Count} ticks, {(isWhole ? "each once and in order" : "NOT WHOLE")}, result \"{result}\", session {client.SessionId}");
await app.StopAsync();
return isWhole && result == "done" && connections.Count > 3 ? 0 : 1;
