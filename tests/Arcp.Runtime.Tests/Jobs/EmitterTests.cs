using Arcp.Core;
using Arcp.Core.Events;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Jobs;

[Trait("Section", "8.3")]
public class EmitterTests
{
    [Fact]
    public async Task Fifty_concurrent_emitters_give_one_sequence_without_a_gap()
    {
        const int emitters = 50;
        const int each = 100;
        await using var runtime = new TestRuntime(builder => builder.AddAgent("crowd", "1", async (job, _) =>
        {
            var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Task[] tasks = [.. Enumerable.Range(0, emitters).Select(i => Task.Run(async () =>
            {
                await ready.Task;
                for (int k = 0; k < each; k++)
                {
                    await job.LogAsync($"{i}/{k}");
                }
            }))];
            ready.SetResult();
            await Task.WhenAll(tasks);
            return null;
        }));
        await using WireClient client = await runtime.OpenAsync();

        List<WireFrame> frames = [.. (await client.RunJobAsync("crowd")).Skip(1)];

        frames.Select(frame => frame.EventSeq).Should().Equal(Enumerable.Range(1, (emitters * each) + 2).Select(n => (long?)n));
        frames.Select(frame => frame.Id).Should().OnlyHaveUniqueItems();
        IEnumerable<string[]> lines = frames.Skip(1).SkipLast(1).Select(frame => ((string)frame.Body["message"]!).Split('/'));
        foreach (IGrouping<string, string[]> emitter in lines.GroupBy(line => line[0]))
        {
            emitter.Select(line => line[1]).Should().Equal(Enumerable.Range(0, each).Select(k => $"{k}"), "each emitter's own order is kept");
        }
    }

    [Fact]
    public async Task Many_jobs_of_one_session_share_one_sequence()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();
        const int jobs = 50;
        for (int i = 0; i < jobs; i++)
        {
            await client.SendAsync("job.submit", new { agent = "count", input = new { n = 50 } });
        }

        long seq = 0;
        var perJob = new Dictionary<string, int>();
        for (int ended = 0; ended < jobs;)
        {
            WireFrame frame = (await client.ReceiveAsync())!;
            if (frame.Type == "job.accepted")
            {
                frame.EventSeq.Should().BeNull();
                continue;
            }

            frame.EventSeq.Should().Be(++seq);
            int number = perJob[frame.JobId!] = perJob.GetValueOrDefault(frame.JobId!) + 1;
            if (frame.IsTerminal)
            {
                number.Should().Be(52);
                ended++;
            }
            else if (number > 1)
            {
                ((string?)frame.Body["message"]).Should().Be($"tick {number - 1}");
            }
        }
    }

    [Fact]
    [Trait("Section", "8.2")]
    public async Task Each_kind_has_its_body()
    {
        await using var runtime = new TestRuntime(builder => builder.AddAgent("all", "1", async (job, _) =>
        {
            await job.LogAsync("m", "warn", RawJson.Parse("""{"k":1}"""));
            await job.ThoughtAsync("t");
            string call = await job.ToolCallAsync("search", RawJson.Parse("""{"q":"x"}"""), "call-1");
            await job.ToolResultAsync(call, null);
            await job.ToolErrorAsync(call, new ArcpException(ErrorCode.Timeout, "slow"));
            await job.StatusAsync("thinking", "hard");
            await job.MetricAsync("m", 1.10m, "USD", new Dictionary<string, string> { ["d"] = "e" });
            await job.ArtifactAsync("file:///a", "text/plain", 5, "abc");
            await job.ProgressAsync(1, 2, "u", "m");
            await job.VendorEventAsync("x-vendor.a", RawJson.Parse("[]"));
            return null;
        }));
        await using WireClient client = await runtime.OpenAsync();

        List<WireFrame> frames = await client.RunJobAsync("all");

        frames.Skip(2).SkipLast(1).Select(frame => $"{frame.Kind} {frame.Raw("body")}").Should().Equal(
            """log {"level":"warn","message":"m","attributes":{"k":1}}""",
            """thought {"text":"t"}""",
            """tool_call {"tool":"search","args":{"q":"x"},"call_id":"call-1"}""",
            """tool_result {"call_id":"call-1","result":null}""",
            """tool_result {"call_id":"call-1","error":{"code":"TIMEOUT","message":"slow","retryable":false}}""",
            """status {"phase":"thinking","message":"hard"}""",
            """metric {"name":"m","value":1.10,"unit":"USD","dimensions":{"d":"e"}}""",
            """artifact_ref {"uri":"file:///a","content_type":"text/plain","byte_size":5,"sha256":"abc"}""",
            """progress {"current":1,"total":2,"units":"u","message":"m"}""",
            """x-vendor.a []""");
    }

    [Fact]
    [Trait("Section", "8.2")]
    public async Task An_event_that_breaks_its_kinds_rules_is_refused_to_the_agent_and_never_sent()
    {
        EventBody[] bad =
        [
            new RawEvent("log", RawJson.Null), new RawEvent("vendor.x", RawJson.Null), new RawEvent("x-vendor.", RawJson.Null),
            new ProgressEvent { Current = -1 }, new ProgressEvent { Current = double.NaN }, new ProgressEvent { Current = 0, Total = double.PositiveInfinity },
            new ToolResultEvent { CallId = "c" }, new ToolResultEvent { CallId = "c", Result = RawJson.Null, Error = new ToolError { Code = ErrorCode.Timeout } },
            new LogEvent { Level = "", Message = "m" }, new ArtifactRefEvent { Uri = "u", ContentType = "c", ByteSize = -1 },
            new ResultChunkEvent { ResultId = new("res_1"), ChunkSeq = 0, Data = string.Empty, Encoding = "utf8", More = false },
        ];
        int refused = 0;
        await using var runtime = new TestRuntime(builder => builder.AddAgent("bad", "1", async (job, _) =>
        {
            foreach (EventBody body in bad)
            {
                try
                {
                    await job.EmitAsync(body);
                }
                catch (ArgumentException)
                {
                    refused++;
                }
            }

            return null;
        }));
        await using WireClient client = await runtime.OpenAsync();

        (await client.RunJobAsync("bad")).Should().HaveCount(3);
        refused.Should().Be(bad.Length);
    }
}
