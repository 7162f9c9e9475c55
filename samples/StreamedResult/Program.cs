using Arcp.Client;
using Arcp.Core.Events;
using Arcp.Core.Messages;
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
int chunks = 0;
await foreach (JobEvent e in job.Events)
{
    if (e.Body is ResultChunkEvent chunk)
    {
        chunks++;
        Console.WriteLine($"chunk {chunk.ChunkSeq}: {chunk.Data.Length} characters");
    }
}

string text = await job.GetResultAsync<string>();
JobOutcome outcome = await job.GetOutcomeAsync();
Console.WriteLine($"{outcome.Summary} {text.Length} characters in {chunks} chunks");
return chunks > 1 && text.Split('\n')[..^1].SequenceEqual(Enumerable.Range(1, Lines).Select(i => $"{i}: Über den Wolken …")) ? 0 : 1;
