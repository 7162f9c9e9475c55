using System.Text.Json.Nodes;
using Arcp.EndToEnd.Tests.Support;
using Arcp.Runtime.Tests.Support;

namespace Arcp.EndToEnd.Tests;

/// <summary>Leases, budgets, delegation and streamed results, as the agents of the Playground process show them on the wire.</summary>
[Trait("Section", "9")]
public sealed class AuthorityTests : IAsyncLifetime
{
    private PlaygroundProcess _playground = null!;
    private WireClient _client = null!;

    public async Task InitializeAsync()
    {
        _playground = await PlaygroundProcess.StartAsync();
        _client = await _playground.ConnectAsync();
        await _client.HelloAsync("test-token", Jobs.AllFeatures);
    }

    public async Task DisposeAsync()
    {
        await _client.DisposeAsync();
        await _playground.DisposeAsync();
    }

    [Fact]
    [Trait("Section", "8.4")]
    public async Task Chunker_streams_its_result_chunk_by_chunk()
    {
        List<WireFrame> text = await Jobs.RunAsync(_client, "chunker");
        Chunks(text).Select(chunk => (string?)chunk.Body["data"]).Should().Equal(new string('a', 16), new string('b', 16), new string('c', 16));
        Chunks(text).Select(chunk => (bool)chunk.Body["more"]!).Should().Equal(true, true, false);
        Chunks(text).Select(chunk => (int)chunk.Body["chunk_seq"]!).Should().Equal(0, 1, 2);
        string id = (string)text[^1].Payload["result_id"]!;
        Chunks(text).Should().OnlyContain(chunk => (string?)chunk.Body["encoding"] == "utf8" && (string?)chunk.Body["result_id"] == id);
        text[^1].Raw("result_size").Should().Be("48");
        text[^1].Payload.ContainsKey("result").Should().BeFalse();

        List<WireFrame> bytes = await Jobs.RunAsync(_client, "chunker", new { chunks = 2, size = 5, encoding = "base64" });
        Chunks(bytes).Select(chunk => Convert.FromBase64String((string)chunk.Body["data"]!)).Should().BeEquivalentTo(
            [new byte[] { 0, 0, 0, 0, 0 }, [1, 1, 1, 1, 1]], order => order.WithStrictOrdering());
        bytes[^1].Raw("result_size").Should().Be("10");

        (await Jobs.RunAsync(_client, "chunker", new { encoding = "utf16" }))[^1].Code.Should().Be("INVALID_REQUEST");
    }

    [Fact]
    [Trait("Section", "6.2")]
    public async Task A_session_without_the_feature_gets_streamed_results_inline()
    {
        await using WireClient plain = await _playground.ConnectAsync();
        await plain.HelloAsync("test-token");
        List<WireFrame> chunker = await Jobs.RunAsync(plain, "chunker", new { chunks = 2, size = 3 });
        Jobs.ResultOf(chunker).Should().Be("\"aaabbb\"");
        List<WireFrame> sink = await Jobs.RunAsync(plain, "kitchen-sink");
        Jobs.ResultOf(sink).Should().Be("\"That was one of each.\"");
        chunker.Concat(sink).Should().NotContain(frame => frame.Kind == "result_chunk");
    }

    [Fact]
    [Trait("Section", "9.6")]
    public async Task Spender_spends_to_the_last_cent_and_not_beyond()
    {
        var lease = new Dictionary<string, string[]> { ["tool.call"] = ["spend.*"], ["cost.budget"] = ["USD:1.00"] };
        decimal[] dimes = [.. Enumerable.Repeat(0.1m, 10)];
        (WireFrame accepted, List<WireFrame> frames) = await Jobs.RunUnderAsync(_client, new { agent = "spender", input = new { costs = dimes }, lease_request = lease });
        accepted.Payload["budget"]!["USD"]!.GetValue<decimal>().Should().Be(1);
        Jobs.ResultOf(frames).Should().Be("""{"spent":1.0,"calls":10}""");
        Metrics(frames, "cost.charge").Should().Equal(dimes);
        decimal[] remaining = Metrics(frames, "cost.budget.remaining");
        remaining.Should().BeInDescendingOrder();
        remaining[^1].Should().Be(0);
        frames.Where(frame => frame.Kind == "tool_result").Should().HaveCount(10).And.OnlyContain(frame => frame.Body["result"]!["charged"]!.GetValue<decimal>() == 0.1m);

        (_, frames) = await Jobs.RunUnderAsync(_client, new { agent = "spender", input = new { costs = new[] { 0.5m, 0.75m, 0.01m } }, lease_request = lease });
        frames[^1].Code.Should().Be("BUDGET_EXHAUSTED");
        Metrics(frames, "cost.charge").Should().Equal([0.5m, 0.75m], "what was spent beyond the budget is told, and the next call does not run");
        Metrics(frames, "cost.budget.remaining")[^1].Should().Be(-0.25m);
        WireFrame denied = frames.Last(frame => frame.Kind == "tool_result");
        ((string?)denied.Body["error"]!["code"]).Should().Be("BUDGET_EXHAUSTED");
        ((string?)denied.Body["call_id"]).Should().Be((string?)frames.Last(frame => frame.Kind == "tool_call").Body["call_id"]);

        (_, frames) = await Jobs.RunUnderAsync(_client, new { agent = "spender", input = new { costs = new[] { 1 }, tool = "other.charge" }, lease_request = lease });
        frames[^1].Code.Should().Be("PERMISSION_DENIED");
        Metrics(frames, "cost.charge").Should().BeEmpty();
    }

    [Fact]
    public async Task Gate_and_model_tell_what_the_lease_says()
    {
        var lease = new Dictionary<string, string[]>
        {
            ["fs.read"] = ["/data/**"],
            ["net.fetch"] = ["https://api.example.com/v1/*"],
            ["model.use"] = ["small-*"],
        };
        object[] ops =
        [
            new { @namespace = "fs.read", target = "/data/a/b" },
            new { @namespace = "fs.read", target = "/data-evil" },
            new { @namespace = "fs.read", target = "/data/../etc/passwd" },
            new { @namespace = "net.fetch", target = "HTTPS://API.example.com:443/v1/x" },
            new { @namespace = "net.fetch", target = "https://api.example.com/v1/%2e%2e/admin" },
            new { @namespace = "fs.write", target = "/data/a" },
            new { @namespace = "fs.read" },
        ];
        (_, List<WireFrame> frames) = await Jobs.RunUnderAsync(_client, new { agent = "gate", input = new { ops }, lease_request = lease });
        Jobs.ResultOf(frames).Should().Be(
            """{"allowed":[true,false,false,true,false,false,false],"codes":[null,"PERMISSION_DENIED","PERMISSION_DENIED",null,"PERMISSION_DENIED","PERMISSION_DENIED","INVALID_REQUEST"]}""");

        (_, frames) = await Jobs.RunUnderAsync(_client, new { agent = "model", input = new { models = new[] { "small-1", "large-1" } }, lease_request = lease });
        Jobs.ResultOf(frames).Should().Be("""{"allowed":[true,false],"codes":[null,"PERMISSION_DENIED"]}""");
        (_, frames) = await Jobs.RunUnderAsync(_client, new { agent = "gate" });
        Jobs.ResultOf(frames).Should().Be("""{"allowed":[],"codes":[]}""");
    }

    [Fact]
    [Trait("Section", "9.5")]
    public async Task A_lease_that_expires_ends_a_job_that_sleeps()
    {
        string expiry = $"{TimeProvider.System.GetUtcNow().AddMilliseconds(700).UtcDateTime:yyyy-MM-ddTHH:mm:ss.fffZ}";
        (WireFrame accepted, List<WireFrame> frames) = await Jobs.RunUnderAsync(
            _client, new { agent = "sleeper", input = new { ms = 3_600_000 }, lease_constraints = new { expires_at = expiry } });
        accepted.Payload["lease_constraints"]!["expires_at"]!.GetValue<DateTimeOffset>().Should().Be(DateTimeOffset.Parse(expiry, null));
        frames[^1].Code.Should().Be("LEASE_EXPIRED");
        frames[^1].FinalStatus.Should().Be("error");
        frames[^1].Raw("retryable").Should().Be("false");
    }

    [Fact]
    [Trait("Section", "10")]
    public async Task Delegator_runs_a_child_whose_budget_is_a_part_of_its_own()
    {
        WireFrame accepted = await DelegateAsync(new
        {
            agent = "spender",
            input = new { costs = new[] { 0.3m } },
            lease_request = new Dictionary<string, string[]> { ["tool.call"] = ["spend.charge"], ["cost.budget"] = ["USD:0.50"] },
        });
        List<WireFrame> all = await ReadUntilEndsAsync(accepted.JobId!);
        WireFrame announcement = all.Single(frame => frame.Kind == "delegate");
        announcement.JobId.Should().Be(accepted.JobId);
        ((string?)announcement.Body["agent"]).Should().Be("spender@1.0.0");
        announcement.Body["lease_request"]!.ToJsonString().Should().Be("""{"tool.call":["spend.charge"],"cost.budget":["USD:0.50"]}""");
        string child = (string)announcement.Body["child_job_id"]!;

        List<WireFrame> ofChild = [.. all.Where(frame => frame.JobId == child)];
        ofChild.Should().OnlyContain(frame => frame.TraceId == accepted.TraceId && frame.EventSeq > announcement.EventSeq);
        ofChild.Should().NotContain(frame => frame.Type == "job.accepted");
        ofChild[^1].IsTerminal.Should().BeTrue();
        List<WireFrame> ofParent = [.. all.Where(frame => frame.JobId == accepted.JobId)];
        Jobs.ResultOf(ofParent).Should().Be($$$"""{"child_job_id":"{{{child}}}","child_status":"success","child_result":{"spent":0.3,"calls":1}}""");
        Metrics(ofParent, "cost.budget.remaining").Should().StartWith(0.5m, "the child's part is set aside").And.EndWith(0.7m, "the rest of it came back");

        await _client.SendAsync("session.list_jobs", new { });
        WireFrame listing = await _client.ExpectAsync("session.jobs");
        listing.Payload["jobs"]!.AsArray().Single(job => (string?)job!["job_id"] == child)!["parent_job_id"]!.GetValue<string>().Should().Be(accepted.JobId);
    }

    [Fact]
    [Trait("Section", "10")]
    public async Task Delegator_that_does_not_wait_takes_its_child_with_it()
    {
        WireFrame accepted = await DelegateAsync(new { agent = "sleeper", input = new { ms = 3_600_000 }, @await = false });
        List<WireFrame> ofParent = await _client.ReadJobAsync(accepted.JobId!);
        string child = (string)ofParent.Single(frame => frame.Kind == "delegate").Body["child_job_id"]!;
        Jobs.ResultOf(ofParent).Should().Match($$"""{"child_job_id":"{{child}}","child_status":"*ing"}""");
        await _client.SendAsync("job.subscribe", new { job_id = child, from_event_seq = 0 });
        (await _client.ReadJobAsync(child)).Last().FinalStatus.Should().Be("cancelled");
    }

    [Theory]
    [Trait("Section", "9.4")]
    [InlineData("PERMISSION_DENIED", """{"agent":"failer"}""")]
    [InlineData("AGENT_NOT_AVAILABLE", """{"agent":"spender-2"}""")]
    [InlineData("AGENT_VERSION_NOT_AVAILABLE", """{"agent":"spender@9.9.9"}""")]
    [InlineData("LEASE_SUBSET_VIOLATION", """{"agent":"spender","lease_request":{"tool.call":["**"]}}""")]
    [InlineData("LEASE_SUBSET_VIOLATION", """{"agent":"spender","lease_request":{"fs.read":["/a"]}}""")]
    [InlineData("LEASE_SUBSET_VIOLATION", """{"agent":"spender","lease_request":{"cost.budget":["USD:1.01"]}}""")]
    [InlineData("LEASE_SUBSET_VIOLATION", """{"agent":"spender","lease_request":{"cost.budget":["EUR:0.01"]}}""")]
    [InlineData("LEASE_SUBSET_VIOLATION", """{"agent":"spender","lease_constraints":{"expires_at":"2100-01-01T00:00:00Z"}}""")]
    [InlineData("INVALID_REQUEST", """{"agent":"spender","lease_constraints":{"expires_at":"2030-01-01T00:00:00+02:00"}}""")]
    [InlineData("INVALID_REQUEST", """{"agent":"spender","lease_constraints":{"expires_at":"soon"}}""")]
    [InlineData("INVALID_REQUEST", """{"agent":"spender","lease_request":{"nonsense":["x"]}}""")]
    [InlineData("INVALID_REQUEST", """{"agent":"spender","lease_request":{"tool.call":"spend.*"}}""")]
    public async Task Delegator_tells_the_code_of_a_denial_and_there_is_no_child(string code, string input)
    {
        WireFrame accepted = await DelegateAsync(JsonNode.Parse(input)!);
        List<WireFrame> frames = await _client.ReadJobAsync(accepted.JobId!);
        Jobs.ResultOf(frames).Should().Be($$"""{"code":"{{code}}"}""");
        frames.Should().NotContain(frame => frame.Kind == "delegate");
    }

    private static List<WireFrame> Chunks(IEnumerable<WireFrame> frames) => [.. frames.Where(frame => frame.Kind == "result_chunk")];

    private static decimal[] Metrics(IEnumerable<WireFrame> frames, string name) =>
        [.. frames.Where(frame => frame.Kind == "metric" && (string?)frame.Body["name"] == name).Select(frame => frame.Body["value"]!.GetValue<decimal>())];

    private async Task<WireFrame> DelegateAsync(object input)
    {
        await _client.SendAsync("job.submit", new
        {
            agent = "delegator",
            input,
            lease_request = new Dictionary<string, string[]>
            {
                ["agent.delegate"] = ["spender*", "sleeper"],
                ["tool.call"] = ["spend.*"],
                ["cost.budget"] = ["USD:1.00"],
            },
            lease_constraints = new { expires_at = "2099-01-01T00:00:00Z" },
        });
        return await _client.ExpectAsync("job.accepted");
    }

    // Until the job and the children that it announces have ended: between jobs the order of their ends is open.
    private async Task<List<WireFrame>> ReadUntilEndsAsync(string jobId)
    {
        var frames = new List<WireFrame>();
        var running = new HashSet<string> { jobId };
        while (running.Count > 0)
        {
            WireFrame frame = (await _client.ReceiveAsync())!;
            frames.Add(frame);
            if (frame.Kind == "delegate")
            {
                running.Add((string)frame.Body["child_job_id"]!);
            }

            if (frame.IsTerminal)
            {
                running.Remove(frame.JobId!);
            }
        }

        return frames;
    }
}
