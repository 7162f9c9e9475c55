using System.Diagnostics;

namespace Arcp.Benchmarks.EndToEnd.Scenarios;

/// <summary>From process start to the ready line of <c>samples/Playground</c>: framework-dependent, and native AOT where it publishes.</summary>
internal sealed class ColdStartScenario : IScenario
{
    public string Name => "cold";

    public async Task<IReadOnlyList<Row>> RunAsync(int rounds)
    {
        string project = Path.Combine(FindRoot(), "samples", "Playground");
        string output = Directory.CreateTempSubdirectory("arcp-cold-").FullName;
        try
        {
            List<Row> rows = [];
            foreach ((string kind, string[] flags) in Kinds)
            {
                string target = Path.Combine(output, kind);
                if (await RunToEndAsync("dotnet", ["publish", project, "-c", "Release", "-o", target, "-v", "q", .. flags]) != 0)
                {
                    await Console.Error.WriteLineAsync($"cold: the Playground does not publish here as {kind}.");
                    continue;
                }

                Samples[] measured = await Rounds.InterleaveAsync(rounds, () => MeasureAsync(Path.Combine(target, "Playground")));
                rows.Add(new Row { Scenario = Name, Measure = $"ms from start to LISTENING, {kind}", Measured = measured[0] });
            }

            return rows;
        }
        finally
        {
            Directory.Delete(output, recursive: true);
        }
    }

    private static (string Kind, string[] Flags)[] Kinds =>
    [
        ("framework-dependent", []),
        ("native-aot", ["-p:PublishAot=true", "--use-current-runtime"]),
    ];

    private static async Task<double> MeasureAsync(string program)
    {
        var start = new ProcessStartInfo(program) { ArgumentList = { "--urls", "http://127.0.0.1:0" }, RedirectStandardOutput = true, RedirectStandardError = true };
        long started = TimeProvider.System.GetTimestamp();
        using Process process = Process.Start(start)!;
        string? line = await process.StandardOutput.ReadLineAsync();
        double milliseconds = TimeProvider.System.GetElapsedTime(started).TotalMilliseconds;
        process.Kill();
        await process.WaitForExitAsync();
        return line?.StartsWith("LISTENING ", StringComparison.Ordinal) is true ? milliseconds : throw new InvalidOperationException($"The Playground says: {line}");
    }

    private static async Task<int> RunToEndAsync(string program, string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        await Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return process.ExitCode;
    }

    private static string FindRoot()
    {
        for (DirectoryInfo? directory = new(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "Arcp.sln")))
            {
                return directory.FullName;
            }
        }

        throw new InvalidOperationException("The program does not run from the repository's tree.");
    }
}
