using System.Text.Json;
using Arcp.EndToEnd.Tests.Support;
using Arcp.Runtime.Tests.Support;

namespace Arcp.EndToEnd.Tests;

/// <summary>The Playground as a child process, over standard input and output.</summary>
[Trait("Section", "4")]
public sealed class StdioTests
{
    private const string Hello = """{"type":"session.hello","id":"h","payload":{"auth":{"scheme":"bearer","token":"test-token"}}}""";

    [Fact]
    public async Task Each_agent_does_over_stdio_what_it_is_for()
    {
        await using var playground = PlaygroundProcess.Run("--stdio");
        await using WireClient client = playground.ConnectOverStdio();
        await Jobs.TryEachAgentAsync(client);

        await client.SendAsync("session.close");
        await client.ExpectAsync("session.closed");
        (await client.ReceiveAsync()).Should().BeNull();
        (await playground.WaitForExitAsync()).Should().Be(0);
        playground.Errors.Should().Contain("boom", "logs go to standard error");
    }

    [Fact]
    public async Task What_was_asked_before_the_input_ended_is_answered_on_an_output_of_nothing_but_envelopes()
    {
        await using var playground = PlaygroundProcess.Run("--stdio");
        playground.Process.StandardInput.Write(
            Hello + "\n\n" + """
            {"type":"job.submit","id":"1","payload":{"agent":"counter","input":{"n":3,"delayMs":50}}}
            {"type":"job.submit","id":"2","payload":{"agent":"failer"}}
            {"type":"job.submit","id":"3","payload":{"agent":"flood","input":{"n":2000}}}
            {"type":"job.submit","id":"4","pay
            """);
        playground.Process.StandardInput.Close();

        string output = await playground.ReadOutputToEndAsync();
        (await playground.WaitForExitAsync()).Should().Be(0);
        output.Should().EndWith("\n");
        string[] lines = output.Split('\n')[..^1];
        string[] types = [.. lines.Select(line =>
        {
            using var frame = JsonDocument.Parse(line);
            return frame.RootElement.GetProperty("type").GetString()!;
        })];
        types[0].Should().Be("session.welcome");
        types.Count(type => type == "job.accepted").Should().Be(3);
        types.Count(type => type == "job.result").Should().Be(2);
        types.Count(type => type == "job.error").Should().Be(1);
        types.Count(type => type == "job.event").Should().Be(3 + 3 + 2000);
        types[^1].Should().Be("session.closed");
    }

    [Fact]
    public async Task An_input_that_ends_at_once_ends_it_without_a_word()
    {
        await using var playground = PlaygroundProcess.Run("--stdio");
        playground.Process.StandardInput.Close();
        (await playground.ReadOutputToEndAsync()).Should().BeEmpty();
        (await playground.WaitForExitAsync()).Should().Be(0);
        playground.Errors.Should().BeEmpty();
    }

    [Fact]
    public async Task Credentials_are_lent_and_rotated_over_stdio_as_well()
    {
        await using var playground = PlaygroundProcess.Run("--stdio", "--credentials");
        await using WireClient client = playground.ConnectOverStdio();
        await client.HelloAsync("test-token", Jobs.AllFeatures);
        (WireFrame accepted, List<WireFrame> frames) = await Jobs.RunUnderAsync(client, new { agent = "rotator" });
        accepted.Payload["credentials"]!.AsArray().Should().ContainSingle();
        Jobs.ResultOf(frames).Should().Be("""{"rotated":1}""");
    }

    [Fact]
    public async Task A_job_that_goes_on_and_on_does_not_outlive_the_input_for_long()
    {
        await using var playground = PlaygroundProcess.Run("--stdio");
        WireClient client = playground.ConnectOverStdio();
        await client.HelloAsync("test-token", Jobs.AllFeatures);
        WireFrame accepted = await client.SubmitAsync("sleeper", new { ms = 3_600_000 });
        playground.Process.StandardInput.Close();

        List<WireFrame> frames = await client.ReadJobAsync(accepted.JobId!);
        frames.Count(frame => frame.IsTerminal).Should().Be(1);
        (await playground.WaitForExitAsync()).Should().Be(0);
        await client.DisposeAsync();
    }

    [Fact]
    public async Task A_signal_ends_it_within_5_seconds_while_a_stubborn_job_runs_and_the_input_is_open()
    {
        await using var playground = PlaygroundProcess.Run("--stdio");
        await using WireClient client = playground.ConnectOverStdio();
        await client.HelloAsync("test-token", Jobs.AllFeatures);
        WireFrame accepted = await client.SubmitAsync("stubborn", new { ms = 3_600_000 });
        await client.ReceiveAsync(); // it runs

        Task<TimeSpan> ending = playground.SignalAsync("TERM");
        List<WireFrame> frames = await client.ReadJobAsync(accepted.JobId!);
        frames.Should().ContainSingle().Which.IsTerminal.Should().BeTrue();
        await client.ExpectAsync("session.closed");
        (await client.ReceiveAsync()).Should().BeNull();
        (await ending).Should().BeLessThan(TimeSpan.FromSeconds(5));
        playground.Process.ExitCode.Should().Be(0);
    }

    [Fact]
    public async Task A_refused_hello_ends_it()
    {
        await using var playground = PlaygroundProcess.Run("--stdio", "--token", "mine=me");
        await using WireClient client = playground.ConnectOverStdio();
        await client.SendRawAsync(Hello);
        (await client.ExpectAsync("session.error")).Code.Should().Be("UNAUTHENTICATED");
        (await playground.WaitForExitAsync()).Should().Be(0);
    }
}
