using Arcp.Client;
using Arcp.Core.Events;
using Arcp.Core.Messages;
using Arcp.Core.Transports;
using Arcp.Runtime;
using Arcp.Runtime.DependencyInjection;
using Microsoft.Extensions.DependencyInjection;

const int Ticks = 20;
await using ArcpRuntime runtime = new ArcpRuntimeBuilder()
    .AddBearerToken("secret", principal: "alice")
    .AddAgent("clock", "1.0.0", async (job, cancellationToken) =>
    {
        for (int i = 1; i <= Ticks; i++)
        {
            await job.LogAsync($"tick {i}");
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancellationToken);
        }

        return null;
    })
    .Build();

// The network: each connection is remembered, so that it can be cut.
ITransport current = null!;
await using ArcpClient client = await ArcpClient.ConnectAsync(
    _ => ValueTask.FromResult(current = runtime.ConnectInProcess()),
    new() { Token = "secret" });
await using JobHandle job = await client.SubmitAsync("clock");

var seen = new List<string>();
await foreach (JobEvent e in job.Events)
{
    if (e.Body is LogEvent log)
    {
        Console.WriteLine(log.Message);
        seen.Add(log.Message);
        if (seen.Count is 5 or 12)
        {
            Console.WriteLine("-- the connection is cut --");
            await current.DisposeAsync();
        }
    }
}

await job.GetResultAsync();
Console.WriteLine($"{seen.Count} ticks over three connections of session {client.SessionId}");
return seen.SequenceEqual(Enumerable.Range(1, Ticks).Select(i => $"tick {i}")) ? 0 : 1;
