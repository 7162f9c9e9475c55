using Arcp.Client;
using Arcp.Core;
using Arcp.Core.Messages;
using Arcp.Runtime;
using Arcp.Runtime.DependencyInjection;
using Microsoft.Extensions.DependencyInjection;

// An agent that ignores its cancellation token until it is let go.
var letGo = new TaskCompletionSource();
await using ArcpRuntime runtime = new ArcpRuntimeBuilder()
    .AddBearerToken("secret", principal: "alice")
    .AddAgent("stubborn", "1.0.0", async (job, _) =>
    {
        await job.LogAsync("I shall not be moved.");
        await letGo.Task;
        await job.LogAsync("Nobody reads this."); // throws OperationCanceledException: the job has ended
        return null;
    })
    .Build();

await using ArcpClient client = await ArcpClient.ConnectAsync(_ => ValueTask.FromResult(runtime.ConnectInProcess()), new() { Token = "secret" });
await using JobHandle job = await client.SubmitAsync("stubborn");

var seen = new List<string>();
await foreach (JobEvent e in job.Events)
{
    seen.Add(e.Kind);
    Console.WriteLine(e.Body);
    if (e.Kind == "log")
    {
        JobStatus status = await job.CancelAsync("not needed any more");
        Console.WriteLine($"The job is {status}; its agent is still at work: {runtime.GetStatistics().RunningAgents == 1}");
        letGo.SetResult();
    }
}

try
{
    await job.GetResultAsync();
}
catch (ArcpException e) when (e.Code == ErrorCode.Cancelled)
{
    Console.WriteLine($"{e.Code}: {e.Message}");
    return job.Status == JobStatus.Cancelled && seen.Count(kind => kind == "log") == 1 ? 0 : 1;
}

return 1;
