using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Arcp.Client;
using Arcp.Core;
using Arcp.Runtime;
using Arcp.Runtime.DependencyInjection;
using Microsoft.Extensions.DependencyInjection;

// Listeners stand in for an exporter: with OpenTelemetry it is AddSource("Arcp") and AddMeter("Arcp").
var activities = new ConcurrentQueue<Activity>();
using var listener = new ActivityListener
{
    ShouldListenTo = source => source.Name == "Arcp",
    Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
    ActivityStopped = activities.Enqueue,
};
ActivitySource.AddActivityListener(listener);
long emitted = 0;
using var meters = new MeterListener();
meters.InstrumentPublished = (instrument, self) =>
{
    if (instrument is { Meter.Name: "Arcp", Name: "arcp.events.emitted" })
    {
        self.EnableMeasurementEvents(instrument);
    }
};
meters.SetMeasurementEventCallback<long>((_, value, _, _) => Interlocked.Add(ref emitted, value));
meters.Start();

await using (ArcpRuntime runtime = new ArcpRuntimeBuilder()
    .AddBearerToken("secret", principal: "alice")
    .AddAgent("research", "1.0.0", async (job, _) =>
    {
        string call = await job.ToolCallAsync("search", RawJson.Parse("""{"query":"owls"}"""));
        await job.ToolResultAsync(call, RawJson.Parse("""["barn owl","tawny owl"]"""));
        return job.Input;
    })
    .Build())
{
    await using ArcpClient client = await ArcpClient.ConnectAsync(_ => ValueTask.FromResult(runtime.ConnectInProcess()), new() { Token = "secret" });
    _ = TraceContext.TryParse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", out TraceContext? trace);
    await using JobHandle job = await client.SubmitAsync("research", options: new SubmitOptions { Trace = trace });
    await job.GetResultAsync();
}

foreach (Activity activity in activities)
{
    Console.WriteLine($"{activity.OperationName,-15} trace {activity.TraceId} parent {activity.ParentSpanId} {activity.Status} {string.Join(", ", activity.Tags.Select(tag => $"{tag.Key}={tag.Value}"))}");
}

Console.WriteLine($"{emitted} events emitted");
Activity? ofJob = activities.FirstOrDefault(activity => activity.OperationName == "arcp.job");
Activity? ofTool = activities.FirstOrDefault(activity => activity.OperationName == "arcp.tool_call");
return ofJob?.TraceId.ToHexString() == "4bf92f3577b34da6a3ce929d0e0e4736"
    && ofJob.ParentSpanId.ToHexString() == "00f067aa0ba902b7"
    && ofTool?.ParentSpanId == ofJob.SpanId
    && emitted == 4 ? 0 : 1;
