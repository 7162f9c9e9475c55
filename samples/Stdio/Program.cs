using System.Diagnostics;
using Arcp.Client;
using Arcp.Core;
using Arcp.Core.Transports;
using Arcp.Runtime;
using Arcp.Runtime.DependencyInjection;
using Microsoft.Extensions.DependencyInjection;

if (args is ["--serve"])
{
    // The child: standard output carries frames and nothing else.
    await using ArcpRuntime runtime = new ArcpRuntimeBuilder()
        .AddBearerToken("secret", principal: "parent")
        .AddAgent("echo", "1.0.0", (job, _) => Task.FromResult<RawJson?>(job.Input))
        .Build();
    await runtime.RunConnectionAsync(StreamTransport.OverConsole());
    return 0;
}

// The parent: this program again, as a child.
using Process child = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [.. Self(), "--serve"])
{
    RedirectStandardInput = true,
    RedirectStandardOutput = true,
})!;

string answer;
await using (ArcpClient client = await ArcpClient.ConnectAsync(
    _ => ValueTask.FromResult<ITransport>(new StreamTransport(child.StandardOutput.BaseStream, child.StandardInput.BaseStream)),
    new() { Token = "secret" }))
{
    await using JobHandle job = await client.SubmitAsync("echo", "hello, child");
    answer = await job.GetResultAsync<string>();
    Console.WriteLine($"The child (process {child.Id}) answered: {answer}");
}

await child.WaitForExitAsync();
Console.WriteLine($"The child has ended with {child.ExitCode}.");
return answer == "hello, child" ? child.ExitCode : 1;

// Started as `dotnet Stdio.dll`, the process is dotnet and needs to be told the program.
static string[] Self() =>
    Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? [Environment.GetCommandLineArgs()[0]] : [];
