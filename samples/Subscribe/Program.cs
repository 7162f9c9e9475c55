using Arcp.Client;
using Arcp.Core.Events;
using Arcp.Core.Messages;
using Arcp.Runtime;
using Arcp.Runtime.DependencyInjection;
using Microsoft.Extensions.DependencyInjection;

var goOn = new TaskCompletionSource();
await using ArcpRuntime runtime = new ArcpRuntimeBuilder()
    .AddBearerToken("secret", principal: "alice")
    .AddAgent("essay", "1.0.0", async (job, _) =>
    {
        await job.ThoughtAsync("An outline first.");
        await job.ThoughtAsync("Then the middle.");
        await goOn.Task;
        await job.ThoughtAsync("Now the end.");
        return job.Input;
    })
    .Build();

await using ArcpClient author = await ArcpClient.ConnectAsync(_ => ValueTask.FromResult(runtime.ConnectInProcess()), new() { Token = "secret" });
await using ArcpClient reader = await ArcpClient.ConnectAsync(_ => ValueTask.FromResult(runtime.ConnectInProcess()), new() { Token = "secret" });
await using JobHandle job = await author.SubmitAsync("essay", "done");

await using Subscription watched = await reader.SubscribeAsync(job.Id, new SubscribeOptions { History = true });
Console.WriteLine($"Watching {watched.Id} of {watched.Agent}, {watched.SubscribedFrom} events so far");
goOn.SetResult();

var thoughts = new List<string>();
await foreach (JobEvent e in watched.Events)
{
    if (e.Body is ThoughtEvent thought)
    {
        Console.WriteLine($"  {thought.Text}");
        thoughts.Add(thought.Text);
    }
}

string seen = await watched.GetResultAsync<string>();
Console.WriteLine($"Both see the result: {seen}");
return thoughts.Count == 3 && seen == await job.GetResultAsync<string>() ? 0 : 1;
