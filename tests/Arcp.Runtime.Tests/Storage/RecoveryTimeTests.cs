using System.Text.Json;
using System.Text.Json.Nodes;
using Arcp.Core.Ids;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Storage;

/// <summary>Times run on over a restart, the time in which there was no runtime included.</summary>
public class RecoveryTimeTests
{
    private readonly ManualClock _clock = new();

    [Theory]
    [Trait("Section", "6.3")]
    [InlineData(100, true)]
    [InlineData(0, false)]
    public async Task A_detached_session_has_the_rest_of_its_window(int secondsLeft, bool isThere)
    {
        await using DurableHost durable = await CreateAsync();
        WireClient client = await durable.Host.OpenAsync();
        List<WireFrame> seen = await client.RunJobAsync("echo", 1);
        await client.DisposeAsync();
        await durable.Host.ConnectionsEndedAsync();
        await durable.CommittedAsync();
        _clock.Advance(TimeSpan.FromSeconds(400));
        await durable.KillAsync();
        _clock.Advance(TimeSpan.FromSeconds(50));
        await durable.StartAsync();
        _clock.Advance(TimeSpan.FromSeconds(150 - secondsLeft));

        await ExpectResumeAsync(durable, client, isThere, seen);
        durable.Host.Runtime.GetStatistics().Sessions.Should().Be(isThere ? 1 : 0);
    }

    [Fact]
    [Trait("Section", "6.3")]
    public async Task A_session_whose_window_ends_while_there_is_no_runtime_is_forgotten_in_the_store_too()
    {
        await using DurableHost durable = await CreateAsync();
        WireClient client = await durable.Host.OpenAsync();
        await client.DisposeAsync();
        await durable.Host.ConnectionsEndedAsync();
        await durable.CommittedAsync();
        await durable.KillAsync();
        _clock.Advance(TimeSpan.FromSeconds(600));
        await durable.StartAsync();

        await ExpectResumeAsync(durable, client, false, []);
        await durable.CommittedAsync();
        (await durable.KillAndLookAsync()).Sessions.Should().BeEmpty();
    }

    [Theory]
    [Trait("Section", "6.3")]
    [InlineData(599, true)]
    [InlineData(600, false)]
    public async Task A_session_that_was_connected_has_its_whole_window(int seconds, bool isThere)
    {
        await using DurableHost durable = await CreateAsync();
        await using WireClient client = await durable.Host.OpenAsync();
        List<WireFrame> seen = await client.RunJobAsync("echo", 1);
        await durable.CommittedAsync();
        await durable.KillAsync();
        _clock.Advance(TimeSpan.FromHours(1));
        await durable.StartAsync();
        _clock.Advance(TimeSpan.FromSeconds(seconds));

        await ExpectResumeAsync(durable, client, isThere, seen);
    }

    [Fact]
    [Trait("Section", "6.3")]
    public async Task A_window_does_not_begin_anew_with_every_restart()
    {
        await using DurableHost durable = await CreateAsync();
        await using WireClient client = await durable.Host.OpenAsync();
        await durable.CommittedAsync();
        for (int i = 0; i < 3; i++)
        {
            await durable.RestartAsync();
            await durable.CommittedAsync();
            _clock.Advance(TimeSpan.FromSeconds(199));
        }

        await durable.RestartAsync();
        durable.Host.Runtime.GetStatistics().Sessions.Should().Be(1);
        _clock.Advance(TimeSpan.FromSeconds(3));
        await ExpectResumeAsync(durable, client, false, []);
    }

    [Fact]
    [Trait("Section", "6.6")]
    public async Task Retention_goes_on_and_ends_in_the_store_as_well()
    {
        await using DurableHost durable = await CreateAsync();
        await using WireClient client = await durable.Host.OpenAsync();
        string jobId = (await client.RunJobAsync("count", new { n = 3 }))[0].JobId!;
        await client.SendAsync("session.ack", new { last_processed_seq = 5 });
        await client.ExpectQuietAsync();
        await durable.CommittedAsync();
        _clock.Advance(TimeSpan.FromSeconds(500));
        await durable.RestartAsync();
        _clock.Advance(TimeSpan.FromSeconds(99));
        await using WireClient other = await durable.Host.OpenAsync();
        (await ListAsync(other)).Should().ContainSingle();
        await durable.CommittedAsync();

        _clock.Advance(TimeSpan.FromSeconds(1));
        (await ListAsync(other)).Should().BeEmpty();
        await other.ExpectRefusalAsync(await other.SendAsync("job.subscribe", new { job_id = jobId }), "JOB_NOT_FOUND");
        await durable.CommittedAsync();
        int kept = -1;
        await TestRuntime.UntilAsync(
            () => (kept = durable.Kept.ReadLogAsync(new JobId(jobId), 0, 1_000_000, default).AsTask().GetAwaiter().GetResult().Count) == 0, "it is trimmed");
        (await durable.KillAndLookAsync()).Jobs.Should().BeEmpty();
        kept.Should().Be(0);
    }

    [Fact]
    [Trait("Section", "6.6")]
    public async Task An_interrupted_job_is_retained_from_the_restart_on()
    {
        await using DurableHost durable = await CreateAsync();
        await using WireClient client = await durable.Host.OpenAsync();
        await client.SubmitAsync("wait");
        await durable.CommittedAsync();
        _clock.Advance(TimeSpan.FromSeconds(5_000));
        await durable.RestartAsync();
        await using WireClient other = await durable.Host.OpenAsync();
        _clock.Advance(TimeSpan.FromSeconds(599));
        (await ListAsync(other)).Should().ContainSingle();
        _clock.Advance(TimeSpan.FromSeconds(1));
        (await ListAsync(other)).Should().BeEmpty();
    }

    [Fact]
    [Trait("Section", "7.2")]
    public async Task A_key_is_free_a_day_after_its_acceptance()
    {
        await using DurableHost durable = await CreateAsync();
        object submit = new { agent = "echo", idempotency_key = "k" };
        string first = await SubmitAsync(durable, submit);
        await durable.CommittedAsync();
        _clock.Advance(TimeSpan.FromHours(23));
        await durable.RestartAsync();
        _clock.Advance(TimeSpan.FromHours(1) - TimeSpan.FromSeconds(1));
        (await SubmitAsync(durable, submit)).Should().Be(first);

        _clock.Advance(TimeSpan.FromSeconds(1));
        (await SubmitAsync(durable, submit)).Should().NotBe(first);
        await durable.CommittedAsync();
        (await durable.KillAndLookAsync()).Answers.Should().ContainSingle("the new one has taken its place");
    }

    [Fact]
    [Trait("Section", "7.2")]
    public async Task A_key_is_known_as_long_as_its_job()
    {
        await using DurableHost durable = await CreateAsync(TimeSpan.FromHours(30));
        object submit = new { agent = "echo", idempotency_key = "k" };
        string first = await SubmitAsync(durable, submit);
        await durable.CommittedAsync();
        _clock.Advance(TimeSpan.FromHours(25));
        await durable.RestartAsync();
        _clock.Advance(TimeSpan.FromSeconds(1));
        (await SubmitAsync(durable, submit)).Should().Be(first);
        _clock.Advance(TimeSpan.FromHours(5) - TimeSpan.FromSeconds(2));
        (await SubmitAsync(durable, submit)).Should().Be(first, "the job is retained until the next second");
        _clock.Advance(TimeSpan.FromHours(2));
        (await SubmitAsync(durable, submit)).Should().NotBe(first);
    }

    [Fact]
    [Trait("Section", "6.6")]
    public async Task A_cursor_of_a_listing_holds_over_a_restart()
    {
        await using DurableHost durable = await CreateAsync();
        await using WireClient client = await durable.Host.OpenAsync();
        var jobs = new List<string>();
        for (int i = 0; i < 7; i++)
        {
            _clock.Advance(TimeSpan.FromTicks(i)); // also some of one moment, told apart to the tick
            jobs.Add((await client.RunJobAsync("echo", i))[0].JobId!);
        }

        await durable.CommittedAsync();
        string? cursor = null;
        var listed = new List<string>();
        do
        {
            await using WireClient other = await durable.Host.OpenAsync();
            await other.SendAsync("session.list_jobs", cursor is null ? new { limit = 2 } : new { limit = 2, cursor });
            JsonObject page = (await other.ExpectAsync("session.jobs")).Payload;
            listed.AddRange(page["jobs"]!.AsArray().Select(job => (string)job!["job_id"]!));
            cursor = (string?)page["next_cursor"];
            await durable.CommittedAsync();
            await durable.RestartAsync();
        }
        while (cursor is not null);
        listed.Take(2).Should().BeSubsetOf(jobs.Take(3));
        listed.Should().HaveCount(7).And.OnlyHaveUniqueItems().And.BeEquivalentTo(jobs);
    }

    private static async Task<JsonArray> ListAsync(WireClient client)
    {
        await client.SendAsync("session.list_jobs");
        return (await client.SkipToAsync("session.jobs")).Payload["jobs"]!.AsArray();
    }

    private static async Task<string> SubmitAsync(DurableHost durable, object submit)
    {
        await using WireClient client = await durable.Host.OpenAsync();
        await client.SendAsync("job.submit", submit);
        using JsonDocument accepted = JsonDocument.Parse((await client.ExpectAsync("job.accepted")).Text);
        string payload = accepted.RootElement.GetProperty("payload").GetRawText();
        await TestRuntime.UntilAsync(() => durable.Host.Runtime.GetStatistics().RunningJobs == 0, "the job has ended");
        return payload;
    }

    private static async Task ExpectResumeAsync(DurableHost durable, WireClient before, bool isThere, List<WireFrame> seen)
    {
        await using WireClient client = durable.Host.Connect();
        if (isThere)
        {
            await client.ResumeAsync(before.ResumeToken, 0);
            (await client.ReadNumberedAsync(seen.Count - 1)).Select(frame => frame.Text).Should().Equal(seen.Skip(1).Select(frame => frame.Text));
        }
        else
        {
            string request = await client.SendAsync("session.resume", new { resume_token = before.ResumeToken, last_event_seq = 0 });
            await client.ExpectErrorAsync("RESUME_WINDOW_EXPIRED", request);
        }
    }

    private Task<DurableHost> CreateAsync(TimeSpan? retention = null) => DurableHost.CreateAsync(
        builder => builder.Options.TerminalRetention = retention,
        _clock);
}
