using System.Diagnostics;

namespace Arcp.Benchmarks.EndToEnd.Scenarios;

/// <summary>From process start to the ready line of <c>samples/Playground</c>: framework-dependent, and as a native AOT executable where one can be published.</summary>
/// <remarks>Where the native runtime of .NET 10 cannot be had, the same sources are measured on that of .NET 9, too.</remarks>
internal sealed class ColdStartScenario : IScenario
{
    private static readonly Form[] Forms =
    [
        new("framework-dependent", []),
        new("native AOT", NativeAot),
        new("native AOT, on .NET 9 instead", [.. NativeAot, "-p:ArcpFramework=net9.0", "-p:CheckEolTargetFramework=false"]) { IsSubstitute = true },
    ];

    public string Name => "cold";

    private static string[] NativeAot => ["-p:PublishAot=true", "--use-current-runtime"];

    public async Task<IReadOnlyList<Row>> RunAsync(int rounds)
    {
        string output = Directory.CreateTempSubdirectory("arcp-cold-").FullName;
        try
        {
            List<(Form Form, string Program)> published = [];
            List<Row> rows = [];
            bool isLacking = false;
            foreach (Form form in Forms.Where(form => !form.IsSubstitute || isLacking))
            {
                string target = Path.Combine(output, $"{published.Count + rows.Count}"); // not the name: MSBuild splits at a comma
                string program = Path.Combine(target, "out", "Playground");
                string? error = await PublishAsync(target, form.Flags);
                isLacking = error is not null;
                if (error is null)
                {
                    published.Add((form, program));
                }
                else
                {
                    rows.Add(new Row { Scenario = Name, Measure = MeasureOf(form), Measured = Samples.None, Lacking = error });
                }
            }

            Samples[] measured = await Rounds.InterleaveAsync(rounds, [.. published.Select<(Form Form, string Program), Func<Task<double>>>(one => () => MeasureAsync(one.Program))]);
            rows.InsertRange(0, published.Zip(measured, (one, samples) => new Row { Scenario = Name, Measure = MeasureOf(one.Form), Measured = samples }));
            return rows;
        }
        finally
        {
            Directory.Delete(output, recursive: true);
        }
    }

    private static string MeasureOf(Form form) => $"ms from start to LISTENING, {form.Name}";

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

    /// <returns>The first error; null = it is published.</returns>
    private static async Task<string?> PublishAsync(string target, string[] flags)
    {
        string project = Path.Combine(FindRoot(), "samples", "Playground");
        string[] arguments = ["publish", project, "-c", "Release", "-o", Path.Combine(target, "out"), "--artifacts-path", Path.Combine(target, "built"), "-v", "q", .. flags];
        using Process process = Process.Start(new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        string[] texts = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return process.ExitCode == 0
            ? null
            : texts.SelectMany(text => text.Split('\n')).FirstOrDefault(line => line.Contains("error ", StringComparison.Ordinal))?.Split("error ", 2)[1].Split(" [")[0].Trim()
                ?? $"dotnet publish ended with {process.ExitCode}";
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

    /// <summary>A way to publish the Playground.</summary>
    private sealed record Form(string Name, string[] Flags)
    {
        /// <summary>Whether it stands in for the form before it, where that cannot be published.</summary>
        public bool IsSubstitute { get; init; }
    }
}
