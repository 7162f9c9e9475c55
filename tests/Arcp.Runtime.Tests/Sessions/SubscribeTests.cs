using Arcp.Core;
using Arcp.Runtime.Agents;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Sessions;

[Trait("Section", "7.6")]
public class SubscribeTests
{
    [Fact]
    public async Task A_subscriber_gets_history_then_live_in_its_own_numbering_and_then_it_ends()
    {
        await using TestRuntime runtime = Stepping(out SemaphoreSlim steps);
        await using WireClient submitter = await runtime.OpenAsync();
        await using WireClient watcher = await runtime.OpenAsync();
        await watcher.RunJobAsync("echo"); // its numbering is ahead by 2
        WireFrame accepted = await submitter.SubmitAsync("steps", 4);
        steps.Release(2);
        await submitter.ExpectAsync("job.event");
        await submitter.ExpectAsync("job.event");
        await submitter.ExpectAsync("job.event");

        string id = await watcher.SendAsync("job.subscribe", new { job_id = accepted.JobId, from_event_seq = 1 });
        WireFrame subscribed = await watcher.ExpectAsync("job.subscribed");
        ((string?)subscribed.Json["request_id"]).Should().Be(id);
        subscribed.Text.Should().Contain("\"parent_job_id\":null");
        subscribed.Payload.Should().ContainKeys("job_id", "agent", "lease", "trace_id");
        ((string?)subscribed.Payload["current_status"]).Should().Be("running");
        ((long?)subscribed.Payload["subscribed_from"]).Should().Be(3);
        ((bool?)subscribed.Payload["replayed"]).Should().BeTrue();
        subscribed.EventSeq.Should().BeNull();
        steps.Release(2);
        List<WireFrame> seen = await watcher.ReadJobAsync(accepted.JobId!);

        seen.Select(frame => frame.EventSeq).Should().Equal(3, 4, 5, 6, 7);
        seen.SkipLast(1).Select(frame => (string?)frame.Body["message"]).Should().Equal("step 1", "step 2", "step 3", "step 4");
        seen.Should().AllSatisfy(frame => frame.SessionId.Should().Be(watcher.SessionId));
        await watcher.ExpectQuietAsync();
        await watcher.SendAsync("job.subscribe", new { job_id = accepted.JobId });
        await watcher.ExpectAsync("job.subscribed");
        await watcher.ExpectAsync("job.result");
    }

    [Fact]
    public async Task Without_history_only_what_comes_later_is_sent()
    {
        await using TestRuntime runtime = Stepping(out SemaphoreSlim steps);
        await using WireClient submitter = await runtime.OpenAsync();
        await using WireClient watcher = await runtime.OpenAsync();
        WireFrame accepted = await submitter.SubmitAsync("steps", 3);
        steps.Release(2);
        await submitter.ExpectAsync("job.event");
        await submitter.ExpectAsync("job.event");
        await submitter.ExpectAsync("job.event");

        await watcher.SendAsync("job.subscribe", new { job_id = accepted.JobId, from_event_seq = 0, history = false });
        ((bool?)(await watcher.ExpectAsync("job.subscribed")).Payload["replayed"]).Should().BeFalse();
        await watcher.ExpectQuietAsync();
        steps.Release(1);

        (await watcher.ReadJobAsync(accepted.JobId!)).Should().HaveCount(2);
    }

    [Theory]
    [InlineData(null, null, 1)]
    [InlineData(0, null, 5)]
    [InlineData(2, true, 3)]
    [InlineData(null, true, 5)]
    [InlineData(4, null, 1)]
    [InlineData(5, null, 1)]
    [InlineData(999, null, 1)]
    [InlineData(0, false, 1)]
    public async Task A_job_that_has_ended_gives_history_when_asked_and_always_its_terminal_frame(int? from, bool? history, int frames)
    {
        await using var runtime = new TestRuntime();
        await using WireClient client = await runtime.OpenAsync();
        string jobId = (await client.RunJobAsync("count", new { n = 3 }))[0].JobId!;
        await using WireClient watcher = await runtime.OpenAsync();

        await watcher.SendAsync("job.subscribe", new { job_id = jobId, from_event_seq = from, history });
        WireFrame subscribed = await watcher.ExpectAsync("job.subscribed");

        ((string?)subscribed.Payload["current_status"]).Should().Be("success");
        ((long?)subscribed.Payload["subscribed_from"]).Should().Be(5);
        List<WireFrame> seen = await watcher.ReadJobAsync(jobId);
        seen.Should().HaveCount(frames);
        seen[^1].Type.Should().Be("job.result");
        await watcher.ExpectQuietAsync();
    }

    [Fact]
    public async Task Subscribing_to_what_is_received_already_replays_nothing_twice()
    {
        await using TestRuntime runtime = Stepping(out SemaphoreSlim steps);
        await using WireClient client = await runtime.OpenAsync();
        WireFrame accepted = await client.SubmitAsync("steps", 2);
        steps.Release(1);
        await client.ExpectAsync("job.event");
        await client.ExpectAsync("job.event");

        for (int i = 0; i < 3; i++)
        {
            await client.SendAsync("job.subscribe", new { job_id = accepted.JobId, from_event_seq = 0 });
            await client.ExpectAsync("job.subscribed");
            await client.ExpectQuietAsync();
        }

        await client.SendAsync("job.unsubscribe", new { job_id = accepted.JobId }); // the submitter's own stream goes on
        await client.ExpectQuietAsync();
        steps.Release(1);
        (await client.ReadJobAsync(accepted.JobId!)).Select(frame => frame.EventSeq).Should().Equal(3, 4);
        await client.ExpectQuietAsync();
    }

    [Fact]
    public async Task After_unsubscribing_nothing_more_comes_and_unsubscribing_anything_is_harmless()
    {
        await using TestRuntime runtime = Stepping(out SemaphoreSlim steps);
        await using WireClient submitter = await runtime.OpenAsync();
        await using WireClient watcher = await runtime.OpenAsync();
        WireFrame accepted = await submitter.SubmitAsync("steps", 2);
        await submitter.ExpectAsync("job.event");
        await watcher.SendAsync("job.subscribe", new { job_id = accepted.JobId, from_event_seq = 0 });
        await watcher.ExpectAsync("job.subscribed");
        await watcher.ExpectAsync("job.event");

        await watcher.SendAsync("job.unsubscribe", new { job_id = accepted.JobId });
        await watcher.SendAsync("job.unsubscribe", new { job_id = accepted.JobId });
        await watcher.SendAsync("job.unsubscribe", new { job_id = "job_none" });
        await watcher.SendAsync("job.unsubscribe", header: new { job_id = accepted.JobId });
        await watcher.SendAsync("job.unsubscribe");
        await watcher.ExpectQuietAsync();
        steps.Release(2);
        await submitter.ReadJobAsync(accepted.JobId!);

        await watcher.ExpectQuietAsync();
        (await watcher.RunJobAsync("echo"))[1].EventSeq.Should().Be(2, "there is no gap");
    }

    [Fact]
    public async Task Another_principals_job_is_denied_and_a_subscriber_never_cancels()
    {
        await using var runtime = new TestRuntime();
        await using WireClient submitter = await runtime.OpenAsync();
        await using WireClient bob = await runtime.OpenAsync("secret-b");
        await using WireClient watcher = await runtime.OpenAsync();
        WireFrame accepted = await submitter.SubmitAsync("wait");

        string id = await bob.SendAsync("job.subscribe", new { job_id = accepted.JobId });
        await bob.ExpectRefusalAsync(id, "PERMISSION_DENIED");
        id = await bob.SendAsync("job.subscribe", new { job_id = "job_none" });
        await bob.ExpectRefusalAsync(id, "JOB_NOT_FOUND");
        id = await bob.SendAsync("job.subscribe", new { });
        await bob.ExpectRefusalAsync(id, "INVALID_REQUEST");
        id = await watcher.SendAsync("job.subscribe", new { job_id = accepted.JobId, from_event_seq = -1 });
        await watcher.ExpectRefusalAsync(id, "INVALID_REQUEST");
        await watcher.SendAsync("job.subscribe", new { job_id = accepted.JobId });
        await watcher.SkipToAsync("job.subscribed");
        id = await watcher.SendAsync("job.cancel", new { job_id = accepted.JobId });
        await watcher.SkipToAsync("session.error");
        (await watcher.ExpectAsync("job.error")).Code.Should().Be("PERMISSION_DENIED");

        runtime.Runtime.GetStatistics().RunningJobs.Should().Be(1);
    }

    [Fact]
    public async Task Subscribers_that_come_while_the_job_emits_get_every_event_once_in_order()
    {
        await using var runtime = new TestRuntime();
        await using WireClient submitter = await runtime.OpenAsync();
        for (int round = 0; round < 30; round++)
        {
            WireClient[] watchers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => runtime.OpenAsync()));
            WireFrame accepted = await submitter.SubmitAsync("count", new { n = 300 });
            List<WireFrame>[] seen = await Task.WhenAll(watchers.Select(async watcher =>
            {
                await watcher.SendAsync("job.subscribe", new { job_id = accepted.JobId, from_event_seq = 0 });
                await watcher.ExpectAsync("job.subscribed");
                return await watcher.ReadJobAsync(accepted.JobId!);
            }));
            List<WireFrame> own = await submitter.ReadJobAsync(accepted.JobId!);

            foreach (List<WireFrame> frames in seen)
            {
                frames.Select(frame => frame.EventSeq).Should().Equal(Enumerable.Range(1, 302).Select(n => (long?)n));
                frames.Select(frame => frame.Id).Should().Equal(own.Select(frame => frame.Id), "all sessions share the job's bytes");
            }

            foreach (WireClient watcher in watchers)
            {
                await watcher.CloseAsync();
                await watcher.DisposeAsync();
            }
        }
    }

    [Fact]
    public async Task A_subscriber_that_is_too_slow_loses_its_connection_and_slows_nobody()
    {
        const int burst = 500;
        using var bursts = new SemaphoreSlim(0);
        await using var runtime = new TestRuntime(builder =>
        {
            builder.Options.MaxLogEventsPerJob = 2 * burst;
            builder.AddAgent("flood", "1", async (job, cancellationToken) =>
            {
                for (int i = 0; i < 10; i++)
                {
                    await bursts.WaitAsync(cancellationToken);
                    for (int k = 0; k < burst; k++)
                    {
                        await job.LogAsync(new string('x', 100));
                    }
                }

                return RawJson.Null;
            });
        });
        await using WireClient submitter = await runtime.OpenAsync();
        await using WireClient slow = runtime.Connect(capacity: 1);
        await slow.HelloAsync("secret-a", "subscribe");
        WireFrame accepted = await submitter.SubmitAsync("flood");
        await submitter.ExpectAsync("job.event");
        await slow.SendAsync("job.subscribe", new { job_id = accepted.JobId });
        await slow.ExpectAsync("job.subscribed"); // and reads no more

        for (int i = 0; i < 10; i++)
        {
            bursts.Release();
            for (int k = 0; k < burst; k++)
            {
                await submitter.ExpectAsync("job.event"); // at the submitter's pace nothing is lost
            }
        }

        await submitter.ExpectAsync("job.result");
        WireFrame? last = null;
        long seq = 0;
        while (await slow.ReceiveAsync() is { } frame)
        {
            if (frame.EventSeq is { } next)
            {
                next.Should().Be(++seq, "there is never a silent gap");
            }

            last = frame;
        }

        last!.Type.Should().Be("session.error");
        last.Code.Should().Be("INTERNAL_ERROR");
        last.Message.Should().Contain("slow consumer");
    }

    /// <summary>The agent steps emits one line for each permit; its input says how many.</summary>
    private static TestRuntime Stepping(out SemaphoreSlim steps)
    {
        var semaphore = new SemaphoreSlim(0);
        steps = semaphore;
        return new(builder => builder.AddAgent("steps", "1", async (int count, JobContext job, CancellationToken cancellationToken) =>
        {
            for (int i = 1; i <= count; i++)
            {
                await semaphore.WaitAsync(cancellationToken);
                await job.LogAsync($"step {i}");
            }
        }));
    }
}
