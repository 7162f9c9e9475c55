using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Arcp.EndToEnd.Tests.Support;
using Arcp.Runtime.Tests.Support;

namespace Arcp.EndToEnd.Tests;

/// <summary>The Playground as a process, over HTTP.</summary>
[Trait("Section", "4")]
public sealed class HttpTests
{
    [Fact]
    public async Task Each_agent_does_over_a_WebSocket_what_it_is_for()
    {
        await using PlaygroundProcess playground = await PlaygroundProcess.StartAsync();
        await using (WireClient client = await playground.ConnectAsync())
        {
            await Jobs.TryEachAgentAsync(client);
        }

        (await playground.SignalAsync("TERM")).Should().BeLessThan(TimeSpan.FromSeconds(5));
        playground.Process.ExitCode.Should().Be(0);
        (await playground.ReadOutputToEndAsync()).Should().BeEmpty("the ready line is all there is");
        playground.Errors.Should().Contain("boom", "that is where an agent's exception belongs");
    }

    [Theory]
    [InlineData("TERM")]
    [InlineData("INT")]
    public async Task A_signal_ends_it_within_5_seconds_whatever_its_jobs_do(string signal)
    {
        await using PlaygroundProcess playground = await PlaygroundProcess.StartAsync();
        if (signal == "INT" && playground.IgnoresInterrupts)
        {
            return; // these tests run in the background of a shell
        }

        await using WireClient client = await playground.ConnectAsync();
        await using WireClient silent = await playground.ConnectAsync();
        await client.HelloAsync("test-token", Jobs.AllFeatures);
        WireFrame stubborn = await client.SubmitAsync("stubborn", new { ms = 3_600_000 });
        WireFrame running = (await client.ReceiveAsync())!;
        running.Body["phase"]!.GetValue<string>().Should().Be("running");

        Task<TimeSpan> ending = playground.SignalAsync(signal);
        List<WireFrame> frames = await client.ReadJobAsync(stubborn.JobId!);
        frames.Should().ContainSingle().Which.Type.Should().Be("job.error");
        await client.ExpectAsync("session.closed");
        (await client.ReceiveAsync()).Should().BeNull();
        await client.Transport.CloseAsync(CancellationToken.None); // the other one never does

        (await ending).Should().BeLessThan(TimeSpan.FromSeconds(5));
        playground.Process.ExitCode.Should().Be(0);
    }

    [Fact]
    public async Task It_says_how_it_is()
    {
        await using PlaygroundProcess playground = await PlaygroundProcess.StartAsync("--path", "/my/arcp");
        playground.Endpoint!.AbsolutePath.Should().Be("/my/arcp");
        await using WireClient client = await playground.ConnectAsync();
        await client.HelloAsync("other-token", Jobs.AllFeatures);
        await Jobs.RunAsync(client, "echo");
        await client.SubmitAsync("sleeper", new { ms = 3_600_000 });

        using HttpClient http = playground.OpenHttp();
        (await http.GetStringAsync(new Uri("healthz", UriKind.Relative))).Should().Be("ok");
        foreach (string path in (string[])["stats", "stats?gc"])
        {
            using var stats = JsonDocument.Parse(await http.GetStringAsync(new Uri(path, UriKind.Relative)));
            Dictionary<string, double> members = stats.RootElement.EnumerateObject().ToDictionary(member => member.Name, member => member.Value.GetDouble());
            members.Keys.Should().BeEquivalentTo(
                "pid", "managed_bytes", "total_allocated", "gen0", "gen1", "gen2", "threads", "sessions", "connections", "jobs", "jobs_running", "cpu_ms");
            members.Should().Contain("pid", playground.Process.Id).And.Contain("sessions", 1).And.Contain("connections", 1).And.Contain("jobs", 2).And.Contain("jobs_running", 1);
            members.Should().OnlyContain(member => member.Key.StartsWith("gen") || member.Value > 0);
            (path == "stats?gc" && members["gen2"] == 0).Should().BeFalse("a full collection was asked for");
        }
    }

    [Fact]
    public async Task The_statistics_are_for_this_machine_alone()
    {
        IPAddress? own = (await Dns.GetHostAddressesAsync(Dns.GetHostName(), AddressFamily.InterNetwork)).FirstOrDefault(address => !IPAddress.IsLoopback(address));
        if (own is null)
        {
            return; // a machine without a network has no other address to ask from
        }

        await using var playground = PlaygroundProcess.Run("--urls", $"http://{own}:0");
        string? line = await playground.Process.StandardOutput.ReadLineAsync().WaitAsync(PlaygroundProcess.Patience, TimeProvider.System);
        line.Should().StartWith($"LISTENING ws://{own}:", "standard error says: {0}", playground.Errors);
        using var http = new HttpClient { BaseAddress = new Uri(line!.Replace("LISTENING ws", "http", StringComparison.Ordinal)), Timeout = PlaygroundProcess.Patience };
        using HttpResponseMessage stats = await http.GetAsync(new Uri("/stats", UriKind.Relative));
        stats.StatusCode.Should().Be(HttpStatusCode.Forbidden);
        using HttpResponseMessage credentials = await http.GetAsync(new Uri("/debug/credentials", UriKind.Relative));
        credentials.StatusCode.Should().Be(HttpStatusCode.Forbidden);
        (await http.GetStringAsync(new Uri("/healthz", UriKind.Relative))).Should().Be("ok");
    }

    [Fact]
    public async Task Tokens_that_are_given_replace_the_published_ones_and_anonymous_sessions_need_their_flag()
    {
        await using PlaygroundProcess playground = await PlaygroundProcess.StartAsync("--token", "s3cret==me", "--token=second=you");
        await using WireClient client = await playground.ConnectAsync();
        await client.HelloAsync("s3cret=", []);
        await using WireClient published = await playground.ConnectAsync();
        await RefusedAsync(published, new { scheme = "bearer", token = "test-token" });
        await using WireClient anonymous = await playground.ConnectAsync();
        await RefusedAsync(anonymous, new { scheme = "anonymous" });

        await using PlaygroundProcess open = await PlaygroundProcess.StartAsync("--anonymous", "--resume-window", "1.5", "--heartbeat", "7", "--retention=9", "--back-pressure", "0");
        await using WireClient welcome = await open.ConnectAsync();
        WireFrame frame = await welcome.HelloAsync(new { auth = new { scheme = "anonymous" }, capabilities = new { features = new[] { "heartbeat" } } });
        frame.Payload["resume_window_sec"]!.GetValue<double>().Should().Be(1.5);
        frame.Payload["heartbeat_interval_sec"]!.GetValue<double>().Should().Be(7);
    }

    [Theory]
    [InlineData("'--nonsense' is not a flag", "--nonsense")]
    [InlineData("'stray' is not a flag", "stray")]
    [InlineData("--heartbeat needs a value", "--heartbeat")]
    [InlineData("--heartbeat does not accept '0'", "--heartbeat", "0")]
    [InlineData("--heartbeat does not accept '1e3'", "--heartbeat=1e3")]
    [InlineData("--resume-window does not accept '-1'", "--resume-window", "-1")]
    [InlineData("--back-pressure does not accept '1.5'", "--back-pressure", "1.5")]
    [InlineData("--path does not accept 'arcp'", "--path", "arcp")]
    [InlineData("--urls does not accept 'http://127.0.0.1:port'", "--urls", "http://127.0.0.1:port")]
    [InlineData("--urls does not accept 'ftp://127.0.0.1:1'", "--urls", "ftp://127.0.0.1:1")]
    [InlineData("it takes TOKEN=PRINCIPAL", "--token", "secret")]
    [InlineData("--stdio takes no value", "--stdio=yes")]
    [InlineData("--credentials takes no value", "--credentials=some")]
    public async Task A_wrong_flag_is_named_and_nothing_starts(string message, params string[] args)
    {
        await using var playground = PlaygroundProcess.Run(args);
        (await playground.WaitForExitAsync()).Should().Be(2);
        playground.Errors.Should().Contain(message);
        (await playground.ReadOutputToEndAsync()).Should().BeEmpty();
        if (args is ["--token", ..])
        {
            playground.Errors.Should().NotContain("secret", "it may be one");
        }
    }

    [Fact]
    public async Task A_port_that_is_taken_ends_it_with_a_clear_word()
    {
        await using PlaygroundProcess first = await PlaygroundProcess.StartAsync();
        await using var second = PlaygroundProcess.Run("--urls", $"http://127.0.0.1:{first.Endpoint!.Port}");
        (await second.WaitForExitAsync()).Should().Be(1);
        second.Errors.Should().Contain("playground: it cannot listen on");
        (await second.ReadOutputToEndAsync()).Should().BeEmpty();
    }

    private static async Task RefusedAsync(WireClient client, object auth)
    {
        await client.SendAsync("session.hello", new { auth });
        (await client.ExpectAsync("session.error")).Code.Should().Be("UNAUTHENTICATED");
    }
}
