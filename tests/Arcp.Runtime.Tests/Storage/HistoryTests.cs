using System.Text.Json;
using Arcp.Runtime.Agents;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Storage;

/// <summary>With a store a job's whole history can be read, however little of it memory holds.</summary>
public class HistoryTests
{
    private const int Many = 2_000;

    private readonly GatedAgent _agent = new();

    [Theory]
    [Trait("Section", "7.6")]
    [InlineData(0)]
    [InlineData(Many / 2)]
    [InlineData(Many - 5)]
    public async Task A_subscriber_gets_every_event_once_also_of_a_job_that_runs(int from)
    {
        await using DurableHost durable = await CreateAsync();
        await using WireClient client = await durable.Host.OpenAsync();
        await using WireClient early = await durable.Host.OpenAsync();
        await using WireClient late = await durable.Host.OpenAsync();
        JobContext job = await BeginAsync(client);
        string jobId = job.JobId.Value;
        Task<List<WireFrame>> live = client.ReadJobAsync(jobId);
        await EmitAsync(job, 1, Many / 2);
        if (from <= Many / 2)
        {
            ((string?)(await early.SubscribeAsync(jobId, from)).Payload["current_status"]).Should().Be("running");
        }

        await EmitAsync(job, (Many / 2) + 1, Many);
        _agent.Open(jobId);
        string?[] all = [.. (await live).Select(frame => frame.Id)];
        all.Should().HaveCount(Many + 2);
        if (from <= Many / 2)
        {
            (await early.ReadJobAsync(jobId)).Select(frame => frame.Id).Should().Equal(all.Skip(from));
        }

        WireFrame subscribed = await late.SubscribeAsync(jobId, from);
        ((string?)subscribed.Payload["current_status"], (long)subscribed.Payload["subscribed_from"]!).Should().Be(("success", Many + 2));
        List<WireFrame> history = await late.ReadJobAsync(jobId);
        history.Select(frame => frame.Id).Should().Equal(all.Skip(from));
        history.Select(frame => frame.EventSeq).Should().Equal(Enumerable.Range(1, history.Count).Select(n => (long?)n));
    }

    [Fact]
    [Trait("Section", "6.3")]
    public async Task A_submitter_that_was_away_gets_all_that_memory_no_longer_holds()
    {
        await using DurableHost durable = await CreateAsync();
        WireClient client = await durable.Host.OpenAsync();
        JobContext job = await BeginAsync(client);
        await client.DisposeAsync();
        await durable.Host.ConnectionsEndedAsync();
        await EmitAsync(job, 1, Many);
        _agent.Open(job.JobId.Value);
        await _agent.OverAsync(job.JobId.Value);

        await using WireClient back = durable.Host.Connect();
        await back.ResumeAsync(client.ResumeToken, 1);
        List<WireFrame> frames = await back.ReadJobAsync(job.JobId.Value);
        frames.LogLines().Should().Equal(Enumerable.Range(1, Many).Select(i => $"{i}"));
        frames.Select(frame => frame.EventSeq).Should().Equal(Enumerable.Range(2, Many + 1).Select(n => (long?)n));
    }

    [Fact]
    [Trait("Section", "6.3")]
    public async Task What_is_sent_again_from_the_store_is_the_same_bytes()
    {
        await using DurableHost durable = await CreateAsync();
        WireClient client = await durable.Host.OpenAsync();
        var seen = new List<WireFrame>();
        foreach (int n in new[] { 300, 5, 200 })
        {
            seen.AddRange((await client.RunJobAsync("count", new { n })).Where(frame => frame.EventSeq is not null));
        }

        for (int round = 0; round < 2; round++)
        {
            foreach (int last in new[] { 0, 1, 150, 302, 307, seen.Count - 1 })
            {
                await client.DisposeAsync();
                WireClient back = durable.Host.Connect();
                await back.ResumeAsync(client.ResumeToken, last);
                (await back.ReadNumberedAsync(seen.Count - last)).Select(frame => frame.Text).Should().Equal(seen.Skip(last).Select(frame => frame.Text));
                await back.ExpectQuietAsync();
                client = back;
            }

            await durable.CommittedAsync();
            await durable.RestartAsync();
        }

        await client.DisposeAsync();
    }

    [Fact]
    [Trait("Section", "7.6")]
    public async Task Many_subscribers_read_the_history_while_the_job_emits()
    {
        const int watchers = 20;
        const int lines = 300;
        await using DurableHost durable = await CreateAsync();
        await using WireClient client = await durable.Host.OpenAsync();
        JobContext job = await BeginAsync(client);
        string jobId = job.JobId.Value;
        Task<List<WireFrame>> live = client.ReadJobAsync(jobId);
        await EmitAsync(job, 1, lines);
        var reading = new List<Task<List<WireFrame>>>();
        var open = new List<WireClient>();
        for (int i = 0; i < watchers; i++)
        {
            WireClient watcher = await durable.Host.OpenAsync();
            open.Add(watcher);
            await watcher.SubscribeAsync(jobId, i);
            reading.Add(watcher.ReadJobAsync(jobId));
            await EmitAsync(job, lines + (i * 10) + 1, lines + ((i + 1) * 10));
        }

        _agent.Open(jobId);
        string?[] all = [.. (await live).Select(frame => frame.Id)];
        all.Should().HaveCount(lines + (watchers * 10) + 2);
        for (int i = 0; i < watchers; i++)
        {
            (await reading[i]).Select(frame => frame.Id).Should().Equal(all.Skip(i));
            await open[i].DisposeAsync();
        }
    }

    [Fact]
    [Trait("Section", "6.2")]
    public async Task A_streamed_result_is_put_together_from_the_store_for_a_session_without_chunks()
    {
        string text = string.Concat(Enumerable.Range(1, 3_000).Select(i => $"line {i} äöü\n"));
        await using DurableHost durable = await CreateAsync();
        await using WireClient client = await durable.Host.OpenFullAsync();
        await using WireClient live = await durable.Host.OpenAsync();
        JobContext job = await BeginAsync(client);
        string jobId = job.JobId.Value;
        await live.SubscribeAsync(jobId);
        Task<List<WireFrame>> submitter = client.ReadJobAsync(jobId);
        _agent.Open(jobId, async context =>
        {
            ResultStream stream = context.OpenResultStream();
            await stream.WriteAsync(System.Text.Encoding.UTF8.GetBytes(text));
            await stream.CompleteAsync("all of it");
            return null;
        });
        (await submitter).Count(frame => frame.Kind == "result_chunk").Should().BeGreaterThan(30);
        WireFrame first = (await live.ReadJobAsync(jobId))[^1];
        ((string?)first.Payload["result"]).Should().Be(text);
        ((string?)first.Payload["summary"]).Should().Be("all of it");

        await durable.CommittedAsync();
        await durable.RestartAsync();
        await using WireClient later = await durable.Host.OpenAsync();
        await later.SubscribeAsync(jobId);
        List<WireFrame> history = await later.ReadJobAsync(jobId);
        PayloadOf(history[^1]).Should().Be(PayloadOf(first));
        history.Select(frame => frame.Kind).Should().Equal("status", null);
        await using WireClient resumed = durable.Host.Connect();
        await resumed.ResumeAsync(live.ResumeToken, 1);
        (await resumed.ReadNumberedAsync(1))[0].Text.Should().Be(first.Text, "sent again it is the same bytes");
    }

    [Fact]
    [Trait("Section", "6.4")]
    public async Task A_slow_store_delays_neither_another_session_nor_pings()
    {
        await using DurableHost durable = await CreateAsync();
        await using WireClient client = await durable.Host.OpenAsync();
        await using WireClient watcher = await durable.Host.OpenAsync();
        List<WireFrame> done = await client.RunJobAsync("count", new { n = 100 });
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var answered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        durable.Store.BeforeRead = (_, _) =>
        {
            asked.TrySetResult();
            return answered.Task;
        };
        await watcher.SubscribeAsync(done[0].JobId!);
        await asked.Task.WaitAsync(WireClient.Patience, TimeProvider.System);
        await watcher.ExpectHeldAsync();
        await watcher.ExpectRefusalAsync(await watcher.SendAsync("job.submit", new { agent = "nobody" }), "AGENT_NOT_AVAILABLE");
        await watcher.SendAsync("session.list_jobs");
        await watcher.ExpectAsync("session.jobs");
        await client.RunJobAsync("count", new { n = 5 });

        answered.SetResult();
        (await watcher.ReadJobAsync(done[0].JobId!)).Select(frame => frame.Id).Should().Equal(done.Skip(1).Select(frame => frame.Id));
    }

    [Fact]
    [Trait("Section", "6.7")]
    public async Task A_session_that_closes_while_the_store_is_read_is_closed_in_order()
    {
        await using DurableHost durable = await CreateAsync();
        await using WireClient client = await durable.Host.OpenAsync();
        await using WireClient watcher = await durable.Host.OpenAsync();
        List<WireFrame> done = await client.RunJobAsync("count", new { n = 100 });
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        durable.Store.BeforeRead = (_, _) =>
        {
            asked.TrySetResult();
            return new TaskCompletionSource().Task;
        };
        await watcher.SubscribeAsync(done[0].JobId!);
        await asked.Task.WaitAsync(WireClient.Patience, TimeProvider.System);
        await watcher.SendAsync("session.close");

        await watcher.ExpectAsync("session.closed");
        await watcher.ExpectEndAsync();
    }

    private static string PayloadOf(WireFrame frame)
    {
        using JsonDocument document = JsonDocument.Parse(frame.Text);
        return document.RootElement.GetProperty("payload").GetRawText();
    }

    private static async Task EmitAsync(JobContext job, int from, int to)
    {
        for (int i = from; i <= to; i++)
        {
            await job.LogAsync($"{i}");
        }
    }

    private Task<DurableHost> CreateAsync() => DurableHost.CreateAsync(builder =>
    {
        builder.Options.MaxLogEventsPerJob = 10;
        builder.Options.MaxResultChunkBytes = 1024;
        builder.AddAgent("gate", "1", _agent.RunAsync);
    });

    /// <summary>Submits a job that waits; its first event is read by whoever reads the job.</summary>
    private async Task<JobContext> BeginAsync(WireClient client) => await _agent.BegunAsync((await client.SubmitAsync("gate")).JobId!);
}
