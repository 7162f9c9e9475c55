using System.Text;
using System.Text.Json.Nodes;
using Arcp.Core.Transports;
using Arcp.Runtime;
using Arcp.Runtime.DependencyInjection;
using Microsoft.Extensions.DependencyInjection;

const int Events = 20_000;
int emitted = 0;
var builder = new ArcpRuntimeBuilder();
builder.Options.MaxLogEventsPerJob = 500;
await using ArcpRuntime runtime = builder
    .AddBearerToken("secret", principal: "alice")
    .AddAgent("firehose", "1.0.0", async (job, _) =>
    {
        for (int i = 1; i <= Events; i++)
        {
            await job.LogAsync($"drop {i}"); // waits while the submitter is behind
            emitted = i;
        }

        return null;
    })
    .Build();

// A client by hand, because Arcp.Client never stops reading.
await using ITransport connection = runtime.ConnectInProcess();
using var frame = new FrameBuffer(1024 * 1024);
await SendAsync("""{"type":"session.hello","payload":{"auth":{"scheme":"bearer","token":"secret"}}}""");
await SendAsync("""{"type":"job.submit","payload":{"agent":"firehose"}}""");

// It does not read until the agent has come to rest.
int before;
do
{
    before = emitted;
    await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System);
}
while (emitted == 0 || emitted != before);

Console.WriteLine($"Nobody reads; the agent waits after {before} of {Events} events, {runtime.GetStatistics().BufferedBytes} bytes are held.");
bool hasWaited = before < Events;

long last = 0;
while (true)
{
    if (await connection.ReadAsync(frame, CancellationToken.None) is not FrameReadStatus.Frame)
    {
        return 1;
    }

    JsonNode read = JsonNode.Parse(frame.WrittenSpan)!;
    if (read["event_seq"] is { } seq)
    {
        if (seq.GetValue<long>() != ++last)
        {
            return 1; // a gap
        }

        if (read["type"]!.GetValue<string>() == "job.result")
        {
            break;
        }
    }
}

Console.WriteLine($"Read to the end: {last} frames without a gap, {emitted} events emitted.");
return hasWaited && emitted == Events && last == Events + 2 ? 0 : 1;

async Task SendAsync(string text)
{
    await connection.WriteAsync(Encoding.UTF8.GetBytes(text), CancellationToken.None);
    await connection.FlushAsync(CancellationToken.None);
}
