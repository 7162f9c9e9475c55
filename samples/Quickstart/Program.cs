using System.Text.Json;
using System.Text.Json.Serialization;
using Arcp.Client;
using Arcp.Core.Events;
using Arcp.Core.Messages;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

// The host: one agent, one token, one endpoint.
WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.WebHost.UseUrls("http://127.0.0.1:0");
builder.Logging.SetMinimumLevel(LogLevel.Warning);
builder.Services.AddArcpRuntime()
    .AddBearerToken("secret", principal: "alice")
    .AddAgent("word-count", "1.0.0", WordCountJson.Default.WordCountInput, WordCountJson.Default.WordCountResult, async (input, job, cancellationToken) =>
    {
        int words = 0;
        for (int i = 0; i < input.Lines.Count; i++)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(300), TimeProvider.System, cancellationToken);
            words += input.Lines[i].Split(' ', StringSplitOptions.RemoveEmptyEntries).Length;
            await job.ProgressAsync(i + 1, total: input.Lines.Count, units: "lines");
        }

        return new WordCountResult(words);
    });

await using WebApplication app = builder.Build();
app.MapArcp("/arcp");
await app.StartAsync();
string address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
Console.WriteLine($"Runtime listening on {address}/arcp");

// The client: submit, watch, take the result. Usually it lives in another process, in any language.
await using ArcpClient client = await ArcpClient.ConnectAsync(new Uri($"{address}/arcp"), new() { Token = "secret" });
await using JobHandle job = await client.SubmitAsync("word-count", new WordCountInput(
    ["the quick brown fox", "jumps over", "the lazy dog", "and goes on", "to the end"]), WordCountJson.Default.WordCountInput);
Console.WriteLine($"Job {job.Id} accepted by {job.Agent}");

await foreach (JobEvent e in job.Events)
{
    Console.WriteLine(e.Body switch
    {
        ProgressEvent { Total: { } total } p => $"  [{new string('#', (int)(p.Current / total * 20)),-20}] {p.Current}/{total} {p.Units}",
        StatusEvent status => $"  status: {status.Phase}",
        _ => $"  {e.Kind}",
    });
}

WordCountResult result = await job.GetResultAsync(WordCountJson.Default.WordCountResult);
Console.WriteLine($"Result: {result.Words} words");
await app.StopAsync();
return result.Words == 15 ? 0 : 1;

internal sealed record WordCountInput(IReadOnlyList<string> Lines);

internal sealed record WordCountResult(int Words);

// The JSON of both, written at compile time. Without it reflection does the same; with it the program also publishes with native AOT.
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(WordCountInput))]
[JsonSerializable(typeof(WordCountResult))]
internal sealed partial class WordCountJson : JsonSerializerContext;
