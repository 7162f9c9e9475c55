using Arcp.Client;
using Arcp.Core;
using Arcp.Core.Events;
using Arcp.Core.Leases;
using Arcp.Core.Messages;
using Arcp.Runtime;
using Arcp.Runtime.DependencyInjection;
using Microsoft.Extensions.DependencyInjection;

await using ArcpRuntime runtime = new ArcpRuntimeBuilder()
    .AddBearerToken("secret", principal: "alice")
    .AddAgent("reader", "1.0.0", async (job, _) =>
    {
        await job.AuthorizeAsync(LeaseNamespaces.FsRead, "/data/reports/2024.txt");
        await job.ReportCostAsync(0.75m, "USD");
        return RawJson.From("The report of 2024.");
    })
    .AddAgent("editor", "1.0.0", async (job, cancellationToken) =>
    {
        // A part of its own authority: fewer files, half of the money.
        Lease part = new LeaseBuilder().AllowRead("/data/reports/*").Budget("USD", 1.00m).Build();
        var reader = await job.DelegateAsync("reader", lease: part);
        RawJson report = await reader.GetResultAsync(cancellationToken);
        await job.LogAsync($"{job.RemainingBudget["USD"]} USD left");
        try
        {
            await job.DelegateAsync("reader", lease: new LeaseBuilder().AllowRead("/**").Build());
        }
        catch (ArcpException e) when (e.Code == ErrorCode.LeaseSubsetViolation)
        {
            await job.LogAsync(e.Message, "warn");
        }

        return report;
    })
    .Build();
await using ArcpClient client = await ArcpClient.ConnectAsync(_ => ValueTask.FromResult(runtime.ConnectInProcess()), new() { Token = "secret" });

Lease lease = new LeaseBuilder().AllowRead("/data/**").AllowDelegate("reader").Budget("USD", 2.00m).Build();
await using JobHandle job = await client.SubmitAsync("editor", options: new SubmitOptions { Lease = lease });
var lines = new List<string>();
int children = 0;
await foreach (JobEvent e in job.Events)
{
    switch (e.Body)
    {
        case DelegateEvent child:
            children++;
            Console.WriteLine($"{child.Agent} runs as {child.ChildJobId} with {child.LeaseRequest}");
            break;
        case LogEvent log:
            lines.Add(log.Message);
            Console.WriteLine(log.Message);
            break;
    }
}

string result = await job.GetResultAsync<string>();
Console.WriteLine(result);
return result == "The report of 2024." && children == 1 && lines is ["1.25 USD left", _] ? 0 : 1;
