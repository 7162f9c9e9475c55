using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Sessions;

[Trait("Section", "6.2")]
public class FeatureTests
{
    [Fact]
    public async Task Progress_is_left_out_without_a_gap_when_it_is_not_negotiated()
    {
        await using TestRuntime runtime = Progressing();
        await using WireClient with = await runtime.OpenAsync("secret-a", "progress", "subscribe");
        await using WireClient without = await runtime.OpenAsync("secret-a", "subscribe");

        List<WireFrame> full = await with.RunJobAsync("steps");
        List<WireFrame> sparse = await without.RunJobAsync("steps");

        full.Skip(1).Select(frame => frame.Kind).Should().Equal("status", "progress", "log", "progress", "progress", "log", "progress", null);
        full.Skip(1).Select(frame => frame.EventSeq).Should().Equal(1, 2, 3, 4, 5, 6, 7, 8);
        sparse.Skip(1).Select(frame => frame.Kind).Should().Equal("status", "log", "log", null);
        sparse.Skip(1).Select(frame => frame.EventSeq).Should().Equal(1, 2, 3, 4);
    }

    [Fact]
    [Trait("Section", "6.3")]
    public async Task What_was_left_out_stays_left_out_when_it_is_sent_again()
    {
        await using TestRuntime runtime = Progressing();
        await using WireClient client = await runtime.OpenAsync("secret-a", "subscribe");
        List<WireFrame> first = await client.RunJobAsync("steps");
        await client.DisposeAsync();

        await using WireClient again = runtime.Connect();
        await again.ResumeAsync(client.ResumeToken, 0);
        var second = new List<WireFrame>();
        while (second.Count < 4)
        {
            WireFrame frame = (await again.ReceiveAsync())!;
            if (frame.EventSeq is not null)
            {
                second.Add(frame);
            }
        }

        second.Select(frame => frame.Text).Should().Equal(first.Skip(1).Select(frame => frame.Text));
        await again.ExpectQuietAsync();
    }

    [Fact]
    [Trait("Section", "7.6")]
    public async Task A_subscriber_gets_what_its_own_session_negotiated()
    {
        await using TestRuntime runtime = Progressing();
        await using WireClient submitter = await runtime.OpenAsync("secret-a", "progress", "subscribe");
        await using WireClient watcher = await runtime.OpenAsync("secret-a", "subscribe");
        string jobId = (await submitter.RunJobAsync("steps"))[0].JobId!;

        await watcher.SendAsync("job.subscribe", new { job_id = jobId, from_event_seq = 0 });
        WireFrame subscribed = await watcher.ExpectAsync("job.subscribed");
        List<WireFrame> frames = await watcher.ReadJobAsync(jobId);

        ((long?)subscribed.Payload["subscribed_from"]).Should().Be(8, "it counts in the job's log");
        frames.Select(frame => frame.Kind).Should().Equal("status", "log", "log", null);
        frames.Select(frame => frame.EventSeq).Should().Equal(1, 2, 3, 4);
    }

    [Fact]
    [Trait("Section", "7.5")]
    public async Task Without_agent_versions_a_suffix_is_refused_and_answers_show_the_bare_name()
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync("secret-a", "subscribe");

        string id = await client.SendAsync("job.submit", new { agent = "echo@1.0.0" });
        (await client.ExpectRefusalAsync(id, "INVALID_REQUEST")).Message.Should().Contain("agent_versions");
        WireFrame accepted = await client.SubmitAsync("echo");
        ((string?)accepted.Payload["agent"]).Should().Be("echo");
        await client.ReadJobAsync(accepted.JobId!);
        await client.SendAsync("job.subscribe", new { job_id = accepted.JobId });
        ((string?)(await client.ExpectAsync("job.subscribed")).Payload["agent"]).Should().Be("echo");
    }

    [Theory]
    [InlineData("""{"type":"session.ack","id":"r","payload":{"last_processed_seq":0}}""", "ack")]
    [InlineData("""{"type":"session.list_jobs","id":"r"}""", "list_jobs")]
    [InlineData("""{"type":"job.subscribe","id":"r","payload":{"job_id":"job_x"}}""", "subscribe")]
    [InlineData("""{"type":"job.submit","id":"r","payload":{"agent":"echo","lease_request":{"cost.budget":["USD:1"]}}}""", "cost.budget")]
    [InlineData("""{"type":"job.submit","id":"r","payload":{"agent":"echo","lease_request":{"model.use":["m"]}}}""", "model.use")]
    [InlineData("""{"type":"job.submit","id":"r","payload":{"agent":"echo","lease_constraints":{"expires_at":"2099-01-01T00:00:00Z"}}}""", "lease_expires_at")]
    public async Task What_was_not_negotiated_is_refused_naming_the_feature(string frame, string feature)
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = runtime.Connect();
        await client.HelloAsync();

        await client.SendRawAsync(frame);

        WireFrame error = await client.ExpectErrorAsync("INVALID_REQUEST", "r");
        error.Message.Should().Contain($"'{feature}'");
        if (frame.Contains("\"job.", StringComparison.Ordinal))
        {
            await client.ExpectAsync("job.error");
        }

        await client.ExpectQuietAsync();
        runtime.Runtime.GetStatistics().Jobs.Should().Be(0);
    }

    [Fact]
    public async Task Without_heartbeat_no_ping_is_ever_sent()
    {
        var clock = new ManualClock();
        await using var runtime = new TestRuntime(clock: clock);
        await using WireClient client = runtime.Connect();
        await client.HelloAsync();

        clock.Advance(TimeSpan.FromHours(1));

        await client.ExpectQuietAsync();
    }

    private static TestRuntime Progressing() => new(builder => builder.AddAgent("steps", "1", async (job, _) =>
    {
        await job.ProgressAsync(0);
        await job.LogAsync("a");
        await job.ProgressAsync(1, 3, "steps", "one");
        await job.ProgressAsync(2);
        await job.LogAsync("b");
        await job.ProgressAsync(3);
        return null;
    }));
}
