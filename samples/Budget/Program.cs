using Arcp.Client;
using Arcp.Core;
using Arcp.Core.Events;
using Arcp.Core.Leases;
using Arcp.Core.Messages;
using Arcp.Runtime;
using Arcp.Runtime.DependencyInjection;
using Microsoft.Extensions.DependencyInjection;

int searches = 0;
await using ArcpRuntime runtime = new ArcpRuntimeBuilder()
    .AddBearerToken("secret", principal: "alice")
    .AddAgent("researcher", "1.0.0", async (job, _) =>
    {
        while (true)
        {
            await job.CallToolAsync("search.web", args: null, async _ =>
            {
                searches++;
                await job.ReportCostAsync(0.1m, "USD", "search");
            });
        }
    })
    .Build();
await using ArcpClient client = await ArcpClient.ConnectAsync(_ => ValueTask.FromResult(runtime.ConnectInProcess()), new() { Token = "secret" });

Lease lease = new LeaseBuilder().AllowTool("search.*").Budget("USD", 1.00m).Build();
await using JobHandle job = await client.SubmitAsync("researcher", options: new SubmitOptions { Lease = lease });
decimal? left = null;
await foreach (JobEvent e in job.Events)
{
    if (e.Body is MetricEvent { Name: "cost.budget.remaining" } remaining)
    {
        left = remaining.Value;
        Console.WriteLine($"{left} {remaining.Unit} left");
    }
}

try
{
    await job.GetResultAsync();
    return 1;
}
catch (ArcpException e) when (e.Code == ErrorCode.BudgetExhausted)
{
    Console.WriteLine($"{searches} searches; then {e.Code}: {e.Message}");
    return searches == 10 && left == 0 ? 0 : 1;
}
