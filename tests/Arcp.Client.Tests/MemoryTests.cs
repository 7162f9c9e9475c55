using Arcp.Core.Events;
using Arcp.Core.Messages;
using static Arcp.Client.Tests.ReconnectTests;

namespace Arcp.Client.Tests;

/// <summary>Slow consumers, limits, and what is left behind.</summary>
[Trait("§", "CL")]
public sealed class MemoryTests
{
    [Theory]
    [InlineData(10, long.MaxValue)]
    [InlineData(int.MaxValue, 2000)]
    public async Task A_consumer_that_is_too_slow_gets_an_error_instead_of_a_gap_and_holds_up_nobody(int maxEvents, long maxBytes)
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync(new() { MaxEventsPerJob = maxEvents, MaxEventBytesPerJob = maxBytes });
        JobHandle job = await peer.SubmitAsync(client, "job_1");
        JobHandle other = await peer.SubmitAsync(client, "job_2");
        await using IAsyncEnumerator<JobEvent> slow = job.Events.GetAsyncEnumerator();
        await LogAsync(peer, "job_1", 1);
        (await slow.MoveNextAsync().Soon()).Should().BeTrue();
        await using IAsyncEnumerator<JobEvent> quick = job.Events.GetAsyncEnumerator();
        (await quick.MoveNextAsync().Soon()).Should().BeTrue();
        for (int seq = 2; seq <= 500; seq++)
        {
            Task<bool> next = quick.MoveNextAsync().AsTask();
            await LogAsync(peer, "job_1", seq);
            (await next.Soon()).Should().BeTrue();
            ((LogEvent)quick.Current.Body).Message.Should().Be($"{seq}");
        }

        await peer.ResultAsync("job_1", "1");
        await peer.ResultAsync("job_2", "2");
        (await job.GetResultAsync<int>().Soon()).Should().Be(1);
        (await other.GetResultAsync<int>().Soon()).Should().Be(2);
        await Throws<EventsDroppedException>(() => slow.MoveNextAsync().Soon());
        await Throws<EventsDroppedException>(() => job.Events.ToListAsync().AsTask().Soon());
        await EndAsync(client, peer);
    }

    [Fact]
    public async Task Nothing_is_let_go_within_the_limits()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync(new() { MaxEventsPerJob = 500 });
        JobHandle job = await peer.SubmitAsync(client, "job_1");
        for (int seq = 1; seq <= 500; seq++)
        {
            await LogAsync(peer, "job_1", seq);
        }

        await peer.ResultAsync("job_1", "1");
        (await Messages(job)).Should().Equal(Enumerable.Range(1, 500).Select(seq => $"{seq}"));
        await EndAsync(client, peer);
    }

    [Fact]
    [Trait("§", "8.2")]
    public async Task Progress_is_reported_until_the_job_ends()
    {
        (ArcpClient client, ScriptedPeer peer) = await ScriptedPeer.ConnectAsync();
        JobHandle job = await peer.SubmitAsync(client, "job_1");
        var steps = new Steps();
        Task reporting = job.ReportProgressAsync(steps);
        await peer.EventAsync("job_1", "progress", """{"current":1,"total":2}""");
        await peer.LogAsync("job_1", "something else");
        await peer.EventAsync("job_1", "progress", """{"current":2,"total":2}""");
        await Bounded.UntilAsync(() => steps.Count == 2);
        reporting.IsCompleted.Should().BeFalse();
        job.Status.Should().Be(Core.JobStatus.Running);
        await peer.ResultAsync("job_1", "1");
        await reporting.Soon();
        steps.Should().Equal(1, 2);
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Throws<OperationCanceledException>(() => job.ReportProgressAsync(steps, cancelled.Token).Soon());
        await EndAsync(client, peer);
    }

    [Fact]
    public async Task After_many_jobs_nothing_is_left_in_the_tables()
    {
        await using var network = new RuntimeNetwork();
        await using ArcpClient client = await network.ConnectAsync();
        for (int round = 0; round < 100; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 100).Select(async i =>
            {
                await using JobHandle job = await client.SubmitAsync("count", new CountInput(1), new SubmitOptions { IdempotencyKey = i % 2 == 0 ? null : $"{round}-{i}" });
                await using Subscription watch = await client.SubscribeAsync(job.Id, new() { History = true });
                (await watch.GetResultAsync<int>()).Should().Be(1);
            })).Soon();
        }

        client.Counts.Should().Be((0, 0));
    }

    [Fact]
    public async Task A_thousand_handles_at_once_all_get_their_own_events_and_result()
    {
        const int handles = 1000;
        await using var network = new RuntimeNetwork(builder => builder.Options.MaxRunningJobsPerPrincipal = handles);
        await using ArcpClient client = await network.ConnectAsync();
        JobHandle[] jobs = await Task.WhenAll(Enumerable.Range(0, handles).Select(i => client.SubmitAsync("gated", new CountInput(i % 10)))).Soon();
        client.Counts.Should().Be((0, handles));
        network.Gate.SetResult();
        await Task.WhenAll(jobs.Select(async (job, i) =>
        {
            List<JobEvent> events = await job.Events.ToListAsync();
            events.Select(e => e.Body).OfType<ProgressEvent>().Select(progress => progress.Current).Should().Equal(Enumerable.Range(1, i % 10).Select(n => (double)n));
            events.Select(e => e.Body).OfType<LogEvent>().Should().ContainSingle();
            (await job.GetResultAsync<int>()).Should().Be(i % 10);
            await job.DisposeAsync();
        })).Soon();
        client.Counts.Should().Be((0, 0));
    }

    private sealed class Steps : List<double>, IProgress<ProgressEvent>
    {
        public void Report(ProgressEvent value) => Add(value.Current);
    }
}
