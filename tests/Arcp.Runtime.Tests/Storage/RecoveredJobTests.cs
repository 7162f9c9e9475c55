using System.Text.Json.Nodes;
using Arcp.Core.Leases;
using Arcp.Runtime.Agents;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Storage;

/// <summary>What is told of a job stays the same over a restart.</summary>
public class RecoveredJobTests
{
    private readonly ManualClock _clock = new();
    private readonly GatedAgent _agent = new();

    [Fact]
    [Trait("Section", "9.6")]
    public async Task Budgets_and_all_else_that_is_told_of_a_job_are_the_same_behind_a_restart()
    {
        const string lease = """{"cost.budget":["USD:10.50","EUR:3"],"agent.delegate":["*"],"fs.read":["/data/**"]}""";
        await using DurableHost durable = await DurableHost.CreateAsync(builder => builder.AddAgent("gate", "1", _agent.RunAsync), _clock);
        await using WireClient client = await durable.Host.OpenFullAsync();
        DateTimeOffset expiry = _clock.GetUtcNow() + TimeSpan.FromHours(2) + TimeSpan.FromTicks(1_234_567);
        string ended = (await client.SubmitLeasedAsync("gate", lease, expiry)).JobId!;
        JobContext first = await _agent.BegunAsync(ended);
        await first.ReportCostAsync(0.3m, "USD");
        _agent.Open(ended);
        await client.ReadJobToEndAsync(ended);
        string running = (await client.SubmitLeasedAsync("gate", lease)).JobId!;
        JobContext second = await _agent.BegunAsync(running);
        DelegatedJob child = await second.DelegateAsync("gate", lease: new Lease([new("cost.budget", ["EUR:1.5"])]));
        await (await _agent.BegunAsync(child.JobId.Value)).ReportCostAsync(0.125m, "EUR");
        await second.ReportCostAsync(12.25m, "USD");
        string untouched = (await SubmitAmongEventsAsync(client, lease)).JobId!;
        string[] jobs = [ended, running, child.JobId.Value, untouched];
        await durable.CommittedAsync();
        string[] before = await DescribeAsync(durable, jobs);
        before[1].Should().Contain("EUR=1.5 USD=-1.75");
        await durable.RestartAsync();

        (await DescribeAsync(durable, jobs)).Should().Equal(before);
        await durable.CommittedAsync();
        await durable.RestartAsync();
        (await DescribeAsync(durable, jobs)).Should().Equal(before, "also behind a second one");
    }

    private static async Task<WireFrame> SubmitAmongEventsAsync(WireClient client, string lease)
    {
        await client.SendLeasedAsync("gate", lease);
        return await client.SkipToAsync("job.accepted");
    }

    private static async Task<JsonArray> ListAsync(WireClient client)
    {
        await client.SendAsync("session.list_jobs");
        return (await client.SkipToAsync("session.jobs")).Payload["jobs"]!.AsArray();
    }

    /// <summary>What is told of jobs, in a listing and to a new subscriber, but for what a restart changes: the state and the length of the log.</summary>
    private static async Task<string[]> DescribeAsync(DurableHost durable, string[] jobs)
    {
        await using WireClient client = await durable.Host.OpenFullAsync();
        JsonArray listed = await ListAsync(client);
        var told = new List<string>();
        foreach (string jobId in jobs)
        {
            JsonObject entry = listed.Single(job => (string)job!["job_id"]! == jobId)!.AsObject();
            await client.SendAsync("job.subscribe", new { job_id = jobId });
            WireFrame subscribed = await client.SkipToAsync("job.subscribed");
            subscribed.TraceId.Should().Be((string?)entry["trace_id"]);
            foreach (JsonObject each in new[] { entry, subscribed.Payload })
            {
                foreach (string member in new[] { "status", "current_status", "last_event_seq", "subscribed_from", "replayed", "request_id" })
                {
                    each.Remove(member);
                }

                if (each["budget"] is JsonObject budget)
                {
                    each["budget"] = string.Join(' ', budget.OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => $"{entry.Key}={entry.Value}")); // a JSON object has no order
                }
            }

            told.Add(entry.ToJsonString() + subscribed.Payload.ToJsonString());
        }

        return [.. told];
    }
}
