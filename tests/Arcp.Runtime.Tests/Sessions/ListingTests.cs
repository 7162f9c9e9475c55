using System.Text.Json.Nodes;
using Arcp.Core;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Sessions;

/// <summary>Pages of a principal's jobs, complete and without repeats, whatever happens between them.</summary>
[Trait("Section", "6.6")]
public class ListingTests
{
    [Fact]
    public async Task A_page_tells_what_there_is_to_know_of_each_job_oldest_first()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();
        string first = (await client.RunJobAsync("count", new { n = 3 }))[0].JobId!;
        WireFrame accepted = await client.SubmitAsync("wait");
        await client.ExpectAsync("job.event");
        string request = await client.SendAsync("session.list_jobs", new { });
        WireFrame page = await client.ExpectAsync("session.jobs");
        page.EventSeq.Should().BeNull();
        ((string?)page.Payload["request_id"]).Should().Be(request);
        page.Payload.ContainsKey("next_cursor").Should().BeTrue();
        page.Payload["next_cursor"].Should().BeNull();
        JsonArray jobs = page.Payload["jobs"]!.AsArray();
        jobs.Select(IdOf).Should().Equal(first, accepted.JobId);
        jobs[0]!["last_event_seq"]!.GetValue<long>().Should().Be(5, "it counts in the job's log");
        jobs[0]!["status"]!.GetValue<string>().Should().Be("success");
        jobs[1]!["status"]!.GetValue<string>().Should().Be("running");
        jobs[1]!["agent"]!.GetValue<string>().Should().Be("wait@1.0.0");
        jobs[1]!["trace_id"]!.GetValue<string>().Should().Be(accepted.TraceId);
        jobs[1]!["created_at"]!.ToJsonString().Should().Be(accepted.Payload["accepted_at"]!.ToJsonString());
        jobs[1]!["lease"]!.ToJsonString().Should().Be("{}");
        jobs[1]!.AsObject().ContainsKey("parent_job_id").Should().BeTrue();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    public async Task A_walk_is_complete_while_jobs_come_end_and_go_between_its_pages(int limit)
    {
        var clock = new ManualClock();
        await using var runtime = new TestRuntime(builder => builder.Options.TerminalRetention = TimeSpan.FromMinutes(1), clock);
        await using WireClient client = await runtime.OpenAsync("secret-a", "list_jobs");
        await using WireClient worker = await runtime.OpenAsync("secret-a", "progress");
        await using WireClient stranger = await runtime.OpenAsync("secret-b", "progress");
        var lasting = new List<string>();
        for (int i = 0; i < 40; i++)
        {
            // Four of each creation time; every third ends and is soon forgotten.
            clock.Advance(TimeSpan.FromMilliseconds(i % 4 == 0 ? 1 : 0));
            await stranger.RunJobAsync("echo");
            WireFrame accepted = await worker.SubmitAsync(i % 3 == 0 ? "echo" : "wait");
            if (i % 3 == 0)
            {
                await worker.ReadJobAsync(accepted.JobId!);
            }
            else
            {
                await worker.ExpectAsync("job.event");
                lasting.Add(accepted.JobId!);
            }
        }

        var seen = new List<string?>();
        string? cursor = null;
        int page = 0;
        do
        {
            await client.SendAsync("session.list_jobs", new { limit, cursor });
            WireFrame jobs = await client.ExpectAsync("session.jobs");
            jobs.Payload["jobs"]!.AsArray().Count.Should().BeLessThanOrEqualTo(limit);
            seen.AddRange(jobs.Payload["jobs"]!.AsArray().Select(IdOf));
            cursor = (string?)jobs.Payload["next_cursor"];
            if (page < 10 && cursor is not null)
            {
                clock.Advance(TimeSpan.FromMilliseconds(1)); // one that is created at the cursor's very moment may stand before it
                string created = (await worker.SubmitAsync("wait")).JobId!;
                await worker.ExpectAsync("job.event");
                lasting.Add(created);
            }

            switch (page++)
            {
                case 0: // the job that the cursor names ends and goes
                    clock.Advance(TimeSpan.FromMinutes(2));
                    if (lasting.Remove(seen[^1]!))
                    {
                        await worker.SendAsync("job.cancel", new { job_id = seen[^1] });
                        await worker.ReadJobAsync(seen[^1]!);
                    }

                    break;
                case 1:
                    clock.Advance(TimeSpan.FromMinutes(2));
                    break;
            }
        }
        while (cursor is not null);

        seen.Should().OnlyHaveUniqueItems();
        seen.Should().Contain(lasting).And.HaveCountLessThan(lasting.Count + 15);
        seen.Where(id => lasting.Contains(id!)).Should().Equal(Ordered(lasting));
    }

    [Theory]
    [InlineData("""{"limit":0}""")]
    [InlineData("""{"limit":-1}""")]
    [InlineData("""{"limit":1001}""")]
    [InlineData("""{"limit":1000000000}""")]
    [InlineData("""{"limit":"5"}""")]
    [InlineData("""{"limit":1.5}""")]
    [InlineData("""{"cursor":""}""")]
    [InlineData("""{"cursor":"1000000000"}""")]
    [InlineData("""{"cursor":"-1"}""")]
    [InlineData("""{"cursor":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}""")]
    [InlineData("""{"cursor":"!!!\u0000\ud83d\ude00"}""")]
    [InlineData("""{"cursor":7}""")]
    [InlineData("""{"filter":{"status":["done"]}}""")]
    [InlineData("""{"filter":{"status":"success"}}""")]
    [InlineData("""{"filter":{"agent":"No Name"}}""")]
    [InlineData("""{"filter":{"agent":""}}""")]
    [InlineData("""{"filter":{"created_after":"yesterday"}}""")]
    public async Task Garbage_is_refused(string payload)
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();
        await client.SendRawAsync($$"""{"id":"l","type":"session.list_jobs","payload":{{payload}}}""");
        await client.ExpectErrorAsync("INVALID_REQUEST", "l");
        await client.ExpectQuietAsync();
    }

    [Fact]
    public async Task A_cursor_is_good_for_its_principal_alone_and_not_when_it_is_changed()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();
        await using WireClient other = await runtime.OpenAsync();
        await using WireClient stranger = await runtime.OpenAsync("secret-b");
        await client.RunJobAsync("echo");
        string second = (await client.RunJobAsync("echo"))[0].JobId!;
        await client.SendAsync("session.list_jobs", new { limit = 1 });
        string cursor = (string)(await client.ExpectAsync("session.jobs")).Payload["next_cursor"]!;
        string request = await stranger.SendAsync("session.list_jobs", new { cursor });
        await stranger.ExpectErrorAsync("INVALID_REQUEST", request);
        foreach (string changed in new[] { cursor[1..], cursor + "AAAA", cursor.ToUpperInvariant(), (cursor[0] == 'A' ? "B" : "A") + cursor[1..] })
        {
            request = await client.SendAsync("session.list_jobs", new { cursor = changed });
            await client.ExpectErrorAsync("INVALID_REQUEST", request);
        }

        await other.SendAsync("session.list_jobs", new { cursor });
        WireFrame page = await other.ExpectAsync("session.jobs");
        page.Payload["jobs"]!.AsArray().Select(IdOf).Should().Equal(second);
        page.Payload["next_cursor"].Should().BeNull();
    }

    [Fact]
    public async Task Filters_choose_by_status_agent_and_time()
    {
        var clock = new ManualClock();
        await using var runtime = new TestRuntime(
            builder => builder
                .AddAgent("echo", "2.0.0", (job, _) => Task.FromResult<RawJson?>(job.Input))
                .AddAgent("fail", "1", (_, _) => throw new ArcpException(ErrorCode.PermissionDenied, "no")),
            clock);
        await using WireClient client = await runtime.OpenAsync();
        var ids = new List<string>();
        foreach (string agent in new[] { "echo@1.0.0", "echo@2.0.0", "echo", "fail" })
        {
            ids.Add((await client.RunJobAsync(agent))[0].JobId!);
            clock.Advance(TimeSpan.FromSeconds(1));
        }

        ids.Add((await client.SubmitAsync("wait")).JobId!);
        await client.ExpectAsync("job.event");
        foreach ((string filter, int[] expected) in new (string, int[])[]
        {
            ("""{}""", [0, 1, 2, 3, 4]),
            ("""{"status":[]}""", [0, 1, 2, 3, 4]),
            ("""{"status":["success"]}""", [0, 1, 2]),
            ("""{"status":["running","error"]}""", [3, 4]),
            ("""{"status":["cancelled"]}""", []),
            ("""{"agent":"echo"}""", [0, 1, 2]),
            ("""{"agent":"echo@2.0.0"}""", [1, 2]),
            ("""{"agent":"echo@3"}""", []),
            ("""{"agent":"ech"}""", []),
            ("""{"created_after":"2026-01-01T00:00:01Z"}""", [2, 3, 4]),
            ("""{"created_after":"2026-01-01T02:00:00.9999+02:00"}""", [1, 2, 3, 4]),
            ("""{"created_after":"2026-01-01T00:00:00.999Z","status":["success"],"agent":"echo@2.0.0"}""", [1, 2]),
        })
        {
            await client.SendRawAsync($$"""{"payload":{"filter":{{filter}} },"id":"l","type":"session.list_jobs"}""");
            (await client.ExpectAsync("session.jobs")).Payload["jobs"]!.AsArray().Select(IdOf).Should().Equal(expected.Select(i => ids[i]), "of {0}", filter);
        }
    }

    [Fact]
    public async Task A_filter_that_few_jobs_pass_gives_short_pages_and_finds_them_all()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync("secret-a", "list_jobs");
        var wanted = new List<string>();
        for (int i = 0; i < 2_500; i++)
        {
            if (i is 5 or 1_500 or 2_400)
            {
                wanted.Add((await client.RunJobAsync("count", new { n = 0 }))[0].JobId!);
            }

            await client.RunJobAsync("echo");
        }

        var seen = new List<string?>();
        string? cursor = null;
        int pages = 0;
        do
        {
            await client.SendAsync("session.list_jobs", new { filter = new { agent = "count" }, cursor });
            WireFrame page = await client.ExpectAsync("session.jobs");
            seen.AddRange(page.Payload["jobs"]!.AsArray().Select(IdOf));
            cursor = (string?)page.Payload["next_cursor"];
            pages++;
        }
        while (cursor is not null);
        seen.Should().Equal(wanted);
        pages.Should().Be(3, "the work of a page is bounded");
    }

    private static string? IdOf(JsonNode? job) => (string?)job!["job_id"];

    // Ids are ULIDs, so they order by creation as far as that is told; ties are in the order of the ids.
    private static IEnumerable<string> Ordered(IEnumerable<string> ids) => ids.Order(StringComparer.Ordinal);
}
