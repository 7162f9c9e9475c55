using Arcp.Client;
using Arcp.Core;
using Arcp.Runtime;
using Arcp.Runtime.Agents;
using Arcp.Runtime.DependencyInjection;
using Microsoft.Extensions.DependencyInjection;

int charges = 0;
await using ArcpRuntime runtime = new ArcpRuntimeBuilder()
    .AddBearerToken("secret", principal: "shop")
    .AddAgent("charge", "1.0.0", (Order order, JobContext _, CancellationToken _) => Task.FromResult(new Receipt(order.Id, Interlocked.Increment(ref charges))))
    .Build();

// Two sessions of one principal: the second is the same program after a crash, say.
await using ArcpClient first = await ArcpClient.ConnectAsync(_ => ValueTask.FromResult(runtime.ConnectInProcess()), new() { Token = "secret" });
await using ArcpClient second = await ArcpClient.ConnectAsync(_ => ValueTask.FromResult(runtime.ConnectInProcess()), new() { Token = "secret" });
var once = new SubmitOptions { IdempotencyKey = "order-4711" };

await using JobHandle job = await first.SubmitAsync("charge", new Order("4711", 12.50m), once);
Console.WriteLine($"{job.Id}: {await job.GetResultAsync<Receipt>()}");

await using JobHandle again = await second.SubmitAsync("charge", new Order("4711", 12.50m), once);
Console.WriteLine($"{again.Id}: the same job, accepted at {again.AcceptedAt:O}");

try
{
    await second.SubmitAsync("charge", new Order("4711", 99.00m), once);
    return 1;
}
catch (ArcpException e) when (e.Code == ErrorCode.DuplicateKey)
{
    Console.WriteLine($"{e.Code}: {e.Message} {e.Details}");
}

return job.Id == again.Id && job.AcceptedAt == again.AcceptedAt && charges == 1 ? 0 : 1;

internal sealed record Order(string Id, decimal Amount);

internal sealed record Receipt(string OrderId, int Number);
