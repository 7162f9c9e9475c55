using Arcp.Client;
using Arcp.Core;
using Arcp.Core.Events;
using Arcp.Core.Messages;
using DurableRestart;

if (args is ["serve", var url, var file])
{
    return await Server.RunAsync(url, file);
}

DirectoryInfo folder = Directory.CreateTempSubdirectory("arcp-durable-");
try
{
    using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60), TimeProvider.System);
    return await RestartAsync(Path.Combine(folder.FullName, "arcp.db"), limit.Token);
}
finally
{
    folder.Delete(recursive: true);
}

static async Task<int> RestartAsync(string file, CancellationToken cancellationToken)
{
    const int TicksBeforeKill = 10;
    ServerProcess server = await ServerProcess.StartAsync("http://127.0.0.1:0", file, cancellationToken);
    try
    {
        await using ArcpClient client = await ArcpClient.ConnectAsync(
            new Uri($"{server.Address}/arcp"),
            new() { Token = "secret", Reconnect = { InitialDelay = TimeSpan.FromMilliseconds(50), MaxDelay = TimeSpan.FromMilliseconds(200) } },
            cancellationToken);
        await using JobHandle job = await client.SubmitAsync("clock", 1_000_000, cancellationToken: cancellationToken);
        Console.WriteLine($"session {client.SessionId}, job {job.Id}");

        var ticks = new List<string>();
        await foreach (JobEvent e in job.Events.WithCancellation(cancellationToken))
        {
            if (e.Body is not LogEvent log)
            {
                continue;
            }

            ticks.Add(log.Message);
            if (ticks.Count == TicksBeforeKill)
            {
                Console.WriteLine($"{log.Message}: the runtime is killed, and started again");
                string address = server.Address;
                server.Kill();
                server = await ServerProcess.StartAsync(address, file, cancellationToken);
            }
        }

        ArcpException? end = null;
        try
        {
            await job.GetResultAsync<string>(cancellationToken);
        }
        catch (ArcpException e)
        {
            end = e;
        }

        bool isWhole = ticks.Count >= TicksBeforeKill && ticks.SequenceEqual(Enumerable.Range(1, ticks.Count).Select(i => $"tick {i}"));
        Console.WriteLine($"joined: tick 1 to {ticks.Count}, {(isWhole ? "each once and in order" : "NOT WHOLE")}, session {client.SessionId}");
        Console.WriteLine($"end: {end?.Code.Value ?? "none"}, {(end?.Retryable == true ? "retryable" : "not retryable")}, \"{end?.Message}\"");

        await using JobHandle second = await client.SubmitAsync("clock", 5, cancellationToken: cancellationToken);
        string result = await second.GetResultAsync<string>(cancellationToken);
        Console.WriteLine($"submitted again: \"{result}\"");
        return isWhole && end?.Code == ErrorCode.InternalError && end.Retryable && result == "5 ticks" ? 0 : 1;
    }
    finally
    {
        server.Dispose();
    }
}
