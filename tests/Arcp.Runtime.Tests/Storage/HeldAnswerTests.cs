using System.Text;
using Arcp.Core;
using Arcp.Core.Transports;
using Arcp.Runtime.Agents;
using Arcp.Runtime.Configuration;
using Arcp.Runtime.Jobs;
using Arcp.Runtime.Sessions;
using Arcp.Runtime.Storage;
using Arcp.Runtime.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace Arcp.Runtime.Tests.Storage;

/// <summary>Answers that wait for a commit, in the moments in which it may come.</summary>
[Trait("Section", "7.6")]
public class HeldAnswerTests
{
    [Fact]
    public async Task A_batch_that_left_an_answer_behind_waits_also_when_the_commit_comes_right_behind_it()
    {
        var store = new ScriptedRuntimeStore();
        await store.OpenAsync(RuntimeStoreContent.Version, default);
        using var gate = new CommitGate(store);
        var journal = new Journal(store, new StorageOptions(), TimeProvider.System, NullLogger.Instance);
        journal.Start();
        Job job = TestJob.Create();
        job.TryApply(JobSignal.AgentStarted);
        SessionOutbox outbox = new SessionFactory(new ArcpRuntimeOptions(), journal, TimeProvider.System).Create(job.Spec.SubmittedBy, job.Spec.Principal).Outbox;
        outbox.TryBegin(new SilentConnection(), Features.None, "welcome"u8.ToArray(), lastEventSeq: null).Should().BeTrue();
        outbox.TrySubscribe(job, 1, _ => 0, (_, _) => new ControlFrame("subscribed"u8.ToArray(), OutlivesConnection: false)).Should().BeTrue();
        var batch = new FrameBatch();

        outbox.Collect(batch).Should().BeTrue();
        gate.Open();
        await journal.WhenCommittedAsync(journal.Position).WaitAsync(WireClient.Patience);

        TextsOf(batch).Should().HaveCount(2).And.StartWith("welcome").And.NotContain("subscribed");
        batch.MustWait.Should().BeTrue("its answer was left behind and comes first");
        batch.Clear();
        outbox.CollectAnswers(batch);
        TextsOf(batch).Should().Equal("subscribed");
        await journal.StopAsync(WireClient.Patience);
    }

    [Fact]
    public async Task However_much_is_held_a_subscription_is_answered_before_its_history()
    {
        const int listings = 20; // with their jobs more than is sent in one go
        var agent = new GatedAgent();
        await using DurableHost durable = await DurableHost.CreateAsync(builder => builder.AddAgent("gate", "1", agent.RunAsync));
        await using WireClient client = await durable.Host.OpenAsync();
        List<WireFrame> done = [];
        for (int i = 0; i < 30; i++)
        {
            done = await client.RunJobAsync("echo", i);
        }

        JobContext running = await agent.BegunAsync((await client.SubmitAsync("gate")).JobId!);
        var writes = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        writes.SetResult();
        await using WireClient watcher = durable.Host.Connect(wrap: inner => new HeldWrites(inner, () => writes.Task));
        await watcher.HelloAsync("secret-a", "subscribe", "list_jobs");
        await durable.CommittedAsync();

        // The writer hangs in the answer to a ping, a commit hangs in the store, and all that is asked now waits for both.
        writes = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await watcher.SendAsync("session.ping", new { nonce = "1" });
        using var gate = new CommitGate(durable.Store);
        await running.LogAsync("uncommitted");
        await gate.ReachedAsync();
        for (int i = 0; i < listings; i++)
        {
            await watcher.SendAsync("session.list_jobs");
        }

        await watcher.SendAsync("job.subscribe", new { job_id = done[0].JobId, history = true });
        await watcher.SendAsync("x-vendor.over");
        await TestRuntime.UntilAsync(() => durable.Host.Logs.Lines.Any(line => line.Contains("x-vendor.over", StringComparison.Ordinal)), "all was read");
        writes.SetResult();
        await watcher.ExpectAsync("session.pong");
        await watcher.ExpectHeldAsync();
        gate.Open();

        for (int i = 0; i < listings; i++)
        {
            await watcher.ExpectAsync("session.jobs");
        }

        await watcher.ExpectAsync("job.subscribed");
        (await watcher.ReadJobAsync(done[0].JobId!)).Should().HaveCount(2);
    }

    [Fact]
    public async Task An_answer_comes_when_it_is_committed_while_a_log_is_still_being_read()
    {
        var agent = new GatedAgent();
        await using DurableHost durable = await DurableHost.CreateAsync(builder =>
        {
            builder.Options.MaxLogEventsPerJob = 5;
            builder.AddAgent("gate", "1", agent.RunAsync);
        });
        await using WireClient client = await durable.Host.OpenAsync();
        List<WireFrame> done = await client.RunJobAsync("count", new { n = 50 });
        JobContext running = await agent.BegunAsync((await client.SubmitAsync("gate")).JobId!);
        await durable.CommittedAsync();
        var read = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        durable.Store.BeforeRead = (_, _) => read.Task;
        await using WireClient watcher = await durable.Host.OpenAsync();
        await watcher.SubscribeAsync(done[0].JobId!);
        await durable.CommittedAsync();
        using var gate = new CommitGate(durable.Store);
        await running.LogAsync("uncommitted");
        await gate.ReachedAsync();
        await watcher.SendAsync("session.list_jobs");
        await watcher.ExpectHeldAsync();
        gate.Open();

        await watcher.ExpectAsync("session.jobs");

        read.SetResult();
        (await watcher.ReadJobAsync(done[0].JobId!)).Should().HaveCount(52);
    }

    private static List<string> TextsOf(FrameBatch batch) => [.. Enumerable.Range(0, batch.Count).Select(i => Encoding.UTF8.GetString(batch[i].Span))];

    /// <summary>A connection whose writes wait.</summary>
    private sealed class HeldWrites(ITransport inner, Func<Task> mayWrite) : ITransport
    {
        public ValueTask<FrameReadStatus> ReadAsync(FrameBuffer buffer, CancellationToken cancellationToken) => inner.ReadAsync(buffer, cancellationToken);

        public async ValueTask WriteAsync(ReadOnlyMemory<byte> frame, CancellationToken cancellationToken)
        {
            await mayWrite().WaitAsync(cancellationToken);
            await inner.WriteAsync(frame, cancellationToken);
        }

        public ValueTask FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

        public ValueTask CloseAsync(CancellationToken cancellationToken) => inner.CloseAsync(cancellationToken);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
