using System.Text.Json.Nodes;
using Arcp.EndToEnd.Tests.Support;
using Arcp.Runtime.Tests.Support;

namespace Arcp.EndToEnd.Tests;

/// <summary>The Playground process with <c>--store</c>.</summary>
public sealed class StoreTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("arcp-store-");

    private string File => Path.Combine(_folder.FullName, "a b;c.db");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    [Trait("Section", "9.8")]
    public async Task The_demonstration_provider_remembers_what_killed_runs_issued_and_the_next_one_revokes_it()
    {
        string jobId;
        string value;
        await using (PlaygroundProcess first = await PlaygroundProcess.StartAsync("--store", $"sqlite:{File}", "--credentials"))
        {
            await using WireClient client = await first.ConnectAsync();
            await client.HelloAsync("test-token", Jobs.AllFeatures);
            WireFrame accepted = await client.SubmitAsync("sleeper", new { ms = 3_600_000 });
            (jobId, value) = (accepted.JobId!, (string)accepted.Payload["credentials"]![0]!["value"]!);
            JsonNode? live = (await ListAsync(first)).Should().ContainSingle().Subject;
            ((string?)live!["job_id"], (bool)live["revoked"]!).Should().Be((jobId, false));
            ((string?)live["id"]).Should().Be((string?)accepted.Payload["credentials"]![0]!["id"]);
        } // killed

        for (int life = 0; life < 2; life++)
        {
            await using PlaygroundProcess next = await PlaygroundProcess.StartAsync("--store", $"sqlite:{File}", "--credentials");
            await using WireClient client = await next.ConnectAsync();
            await client.HelloAsync("test-token", Jobs.AllFeatures);
            await client.SendAsync("job.subscribe", new { job_id = jobId });
            (await client.ReadJobAsync(jobId))[^1].Message.Should().Be("the runtime restarted while the job ran");
            JsonNode? gone = null;
            using var patience = new CancellationTokenSource(PlaygroundProcess.Patience, TimeProvider.System);
            while (gone is null || !(bool)gone["revoked"]!)
            {
                patience.Token.ThrowIfCancellationRequested();
                gone = (await ListAsync(next)).Should().ContainSingle().Subject;
            }

            ((int)gone["issued_values"]!, (int)gone["revoked_values"]!).Should().Be((1, 1));
        }

        System.IO.File.ReadAllText($"{File}.credentials").Should().NotContain(value);
        _folder.EnumerateFiles().Select(file => System.Text.Encoding.Latin1.GetString(System.IO.File.ReadAllBytes(file.FullName))).Should().NotContain(text => text.Contains(value), "it is kept encrypted only");
        if (!OperatingSystem.IsWindows())
        {
            System.IO.File.GetUnixFileMode($"{File}.key").Should().Be(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
    }

    [Fact]
    public async Task A_file_that_another_process_uses_is_refused_before_anything_listens()
    {
        await using PlaygroundProcess first = await PlaygroundProcess.StartAsync("--store", $"sqlite:{File}");
        await using var second = PlaygroundProcess.Run("--urls", "http://127.0.0.1:0", $"--store=sqlite:{File}");

        (await second.WaitForExitAsync()).Should().Be(1);
        second.Errors.Should().Contain("cannot use the store").And.Contain("in use");
        (await second.ReadOutputToEndAsync()).Should().BeEmpty();
    }

    [Theory]
    [InlineData("memory")]
    [InlineData("sqlite:")]
    [InlineData("sqlite::memory:")]
    [InlineData("postgres:arcp")]
    public async Task Anything_but_a_file_of_sqlite_is_refused(string store)
    {
        await using var playground = PlaygroundProcess.Run("--store", store);

        (await playground.WaitForExitAsync()).Should().Be(2);
        playground.Errors.Should().Contain($"--store does not accept '{store}'; it takes sqlite:FILE.");
    }

    private static async Task<JsonArray> ListAsync(PlaygroundProcess playground)
    {
        using HttpClient http = playground.OpenHttp();
        return JsonNode.Parse(await http.GetStringAsync(new Uri("debug/credentials", UriKind.Relative)))!["credentials"]!.AsArray();
    }
}
