using Arcp.Runtime.Tests.Support;

namespace Arcp.EndToEnd.Tests.Support;

/// <summary>What every agent of the Playground must do, over whatever transport.</summary>
internal static class Jobs
{
    public static readonly string[] AllFeatures = [
        "progress", "agent_versions", "subscribe", "ack", "list_jobs", "lease_expires_at", "cost.budget", "model.use", "provisioned_credentials", "result_chunk"];

    /// <summary>Submits to each agent and checks what comes of it.</summary>
    public static async Task TryEachAgentAsync(WireClient client)
    {
        WireFrame welcome = await client.HelloAsync("test-token", AllFeatures);
        welcome.Payload["capabilities"]!["agents"]!.AsArray().Select(agent => $"{agent!["name"]} {string.Join(',', agent["versions"]!.AsArray())} {agent["default"]}")
            .Should().Contain([
                "chunker 1.0.0 1.0.0", "counter 1.0.0 1.0.0", "delegator 1.0.0 1.0.0", "echo 1.0.0,2.0.0 2.0.0", "failer 1.0.0 1.0.0", "flood 1.0.0 1.0.0", "gate 1.0.0 1.0.0",
                "kitchen-sink 1.0.0 1.0.0", "model 1.0.0 1.0.0", "rotator 1.0.0 1.0.0", "sleeper 1.0.0 1.0.0", "spender 1.0.0 1.0.0", "stubborn 1.0.0 1.0.0"]);

        (await ResultAsync(client, "echo", new { text = "hello" })).Should().Be("""{"text":"hello"}""");
        (await ResultAsync(client, "echo@1.0.0", 1)).Should().Be("1");
        (await ResultAsync(client, "sleeper", new { ms = 1 })).Should().Be("""{"slept":1}""");
        (await ResultAsync(client, "stubborn", new { ms = 1 })).Should().Be("""{"finished":true}""");
        (await ResultAsync(client, "flood", new { n = 1000, bytes = 300 })).Should().Be("""{"sent":1000}""");
        (await ResultAsync(client, "counter")).Should().Be("""{"count":10}""");

        List<WireFrame> counter = await RunAsync(client, "counter", new { n = 2, delayMs = 1, startDelayMs = 1 });
        counter.Skip(1).SkipLast(1).Select(frame => $"{frame.Kind} {frame.Body["current"] ?? frame.Body["message"]}")
            .Should().Equal("progress 1", "log tick 1", "progress 2", "log tick 2");

        List<WireFrame> kinds = await RunAsync(client, "kitchen-sink");
        kinds.Skip(1).SkipLast(1).Select(frame => frame.Kind).Should().Equal(
            "log", "thought", "status", "metric", "progress", "tool_call", "tool_result", "artifact_ref", "delegate", "x-vendor.demo.ping", "result_chunk");
        kinds[^1].Type.Should().Be("job.result");
        kinds[^1].Payload.ContainsKey("result").Should().BeFalse("its result was streamed");

        (await ResultAsync(client, "gate", new { ops = new[] { new { @namespace = "fs.read", target = "/etc/passwd" } } }))
            .Should().Be("""{"allowed":[false],"codes":["PERMISSION_DENIED"]}""");
        (await ResultAsync(client, "model", new { models = new[] { "any" } })).Should().Be("""{"allowed":[false],"codes":["PERMISSION_DENIED"]}""");
        (await ResultAsync(client, "delegator", new { agent = "echo" })).Should().Be("""{"code":"PERMISSION_DENIED"}""");
        (await ResultAsync(client, "rotator")).Should().Be("""{"rotated":0}""");
        (await RunAsync(client, "chunker"))[^1].Payload["result_size"]!.GetValue<int>().Should().Be(48);
        (await RunAsync(client, "spender", new { costs = new[] { 1 } }))[^1].Code.Should().Be("PERMISSION_DENIED");

        WireFrame coded = (await RunAsync(client, "failer", new { message = "late", code = "TIMEOUT" }))[^1];
        coded.Payload["code"]!.GetValue<string>().Should().Be("TIMEOUT");
        coded.Payload["message"]!.GetValue<string>().Should().Be("late");
        WireFrame plain = (await RunAsync(client, "failer"))[^1];
        plain.Payload["code"]!.GetValue<string>().Should().Be("INTERNAL_ERROR");
        plain.Text.Should().NotContain("boom", "an ordinary exception's text stays in the host's log");

        WireFrame waiting = await client.SubmitAsync("sleeper", new { ms = 3_600_000 });
        await client.SendAsync("job.cancel", new { job_id = waiting.JobId });
        (await client.ReadJobAsync(waiting.JobId!))[^1].FinalStatus.Should().Be("cancelled");
    }

    public static async Task<List<WireFrame>> RunAsync(WireClient client, string agent, object? input = null)
    {
        WireFrame accepted = await client.SubmitAsync(agent, input);
        return await client.ReadJobAsync(accepted.JobId!);
    }

    /// <summary>Submits with members beside agent and input: the acceptance, and all frames of the job that follow.</summary>
    public static async Task<(WireFrame Accepted, List<WireFrame> Frames)> RunUnderAsync(WireClient client, object submit)
    {
        await client.SendAsync("job.submit", submit);
        WireFrame accepted = await client.ExpectAsync("job.accepted");
        return (accepted, await client.ReadJobAsync(accepted.JobId!));
    }

    /// <summary>The result's text, as it stands on the wire.</summary>
    public static string ResultOf(IReadOnlyList<WireFrame> frames)
    {
        frames[^1].Type.Should().Be("job.result", "that was expected, in {0}", frames[^1].Text);
        return frames[^1].Raw("result");
    }

    private static async Task<string> ResultAsync(WireClient client, string agent, object? input = null) => ResultOf(await RunAsync(client, agent, input));
}
