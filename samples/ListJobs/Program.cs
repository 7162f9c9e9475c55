using Arcp.Client;
using Arcp.Core;
using Arcp.Core.Messages;
using Arcp.Runtime;
using Arcp.Runtime.DependencyInjection;
using Microsoft.Extensions.DependencyInjection;

await using ArcpRuntime runtime = new ArcpRuntimeBuilder()
    .AddBearerToken("secret", principal: "alice")
    .AddAgent("quick", "1.0.0", (job, _) => Task.FromResult<RawJson?>(job.Input))
    .AddAgent("endless", "1.0.0", async (_, cancellationToken) =>
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
        return null;
    })
    .Build();
await using ArcpClient client = await ArcpClient.ConnectAsync(_ => ValueTask.FromResult(runtime.ConnectInProcess()), new() { Token = "secret" });

var submitted = new HashSet<string>();
for (int i = 0; i < 25; i++)
{
    await using JobHandle job = await client.SubmitAsync(i % 5 == 0 ? "endless" : "quick", i);
    submitted.Add(job.Id.Value);
    if (i % 5 != 0)
    {
        await job.GetResultAsync();
        continue;
    }

    await foreach (JobEvent running in job.Events)
    {
        break; // its first event says that it runs
    }
}

var all = new List<JobSummary>();
await foreach (JobSummary job in client.ListJobsAsync(new JobListFilter { PageSize = 10 })) // three pages, asked for as they are needed
{
    all.Add(job);
    Console.WriteLine($"{job.JobId}  {job.Agent,-15} {job.Status,-8} {job.LastEventSeq} events");
}

int atWork = 0;
await foreach (JobSummary job in client.ListJobsAsync(new JobListFilter { Statuses = [JobStatus.Running] }))
{
    atWork++;
}

int quick = 0;
await foreach (JobSummary job in client.ListJobsAsync(new JobListFilter { Agent = "quick" }))
{
    quick++;
}

Console.WriteLine($"{all.Count} jobs, {atWork} running, {quick} of the agent 'quick'");
return submitted.SetEquals(all.Select(job => job.JobId.Value)) && all.Count == 25 && atWork == 5 && quick == 20 ? 0 : 1;
