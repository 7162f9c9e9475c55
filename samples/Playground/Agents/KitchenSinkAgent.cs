using Arcp.Core;
using Arcp.Core.Events;
using Arcp.Core.Ids;
using Arcp.Core.Leases;
using Arcp.Runtime.Agents;

namespace Playground.Agents;

/// <summary>Emits one event of every kind, so that a client can show that it reads them all.</summary>
/// <remarks>
/// Its delegation is for show: the child that it names does not exist. Its result is streamed (§8.4), in one chunk; a session without
/// <c>result_chunk</c> gets it inline.
/// </remarks>
internal sealed class KitchenSinkAgent : IAgent
{
    public async Task<RawJson?> RunAsync(JobContext job, CancellationToken cancellationToken)
    {
        await job.LogAsync("One of each.", "info", RawJson.Parse("""{"attempt":1}"""));
        await job.ThoughtAsync("They want to see everything.");
        await job.StatusAsync("demonstrating", "Going through the kinds.");
        await job.MetricAsync("demo.items", 0.1m, "items", new Dictionary<string, string> { ["shelf"] = "top" });
        await job.ProgressAsync(1, total: 2, units: "halves", message: "Half way.");

        string call = await job.ToolCallAsync("demo.lookup", RawJson.Parse("""{"key":"answer"}"""));
        await job.ToolResultAsync(call, RawJson.Parse("42"));

        await job.ArtifactAsync(
            "https://example.com/artifacts/report.txt", "text/plain", byteSize: 0, sha256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        await job.EmitAsync(new DelegateEvent
        {
            DelegateId = "demo-delegation",
            ChildJobId = JobId.New(TimeProvider.System),
            Agent = "echo@2.0.0",
            LeaseRequest = Lease.Empty,
        });
        await job.VendorEventAsync("x-vendor.demo.ping", RawJson.Parse("""{"pong":true}"""));

        await using ResultStream result = job.OpenResultStream();
        await result.WriteAsync("That was one of each.", cancellationToken);
        await result.CompleteAsync();
        return null;
    }
}
