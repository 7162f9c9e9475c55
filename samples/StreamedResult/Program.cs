using Arcp.Client;
using Arcp.Runtime;
using Arcp.Runtime.Agents;
using Arcp.Runtime.DependencyInjection;
using Microsoft.Extensions.DependencyInjection;

const int Lines = 200_000;
await using ArcpRuntime runtime = new ArcpRuntimeBuilder()
    .AddBearerToken("secret", principal: "alice")
    .AddAgent("author", "1.0.0", async (job, cancellationToken) =>
    {
        await using ResultStream book = job.OpenResultStream();
        for (int i = 1; i <= Lines; i++)
        {
            await book.WriteAsync($"{i}: Über den Wolken …\n", cancellationToken);
        }

        await book.CompleteAsync("A long book.");
        return null;
    })
    .Build();
await using ArcpClient client = await ArcpClient.ConnectAsync(_ => ValueTask.FromResult(runtime.ConnectInProcess()), new() { Token = "secret" });

await using JobHandle job = await client.SubmitAsync("author");
int pieces = 0;
int shown = 0;
await foreach (string piece in job.ReadResultTextAsync())
{
    pieces++;
    shown += piece.Length;
    Console.WriteLine($"{shown} characters so far");
}

JobOutcome outcome = await job.GetOutcomeAsync();
string text = await job.GetResultAsync<string>();
Console.WriteLine($"{outcome.Summary} {text.Length} characters in {pieces} pieces");
return pieces > 1 && shown == text.Length && text.Split('\n')[..^1].SequenceEqual(Enumerable.Range(1, Lines).Select(i => $"{i}: Über den Wolken …")) ? 0 : 1;
