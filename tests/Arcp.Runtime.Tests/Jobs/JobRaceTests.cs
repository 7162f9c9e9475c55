using Arcp.Core;
using Arcp.Core.Events;
using Arcp.Runtime.Jobs;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Jobs;

[Trait("Section", "7.3")]
public class JobRaceTests
{
    /// <summary>Completion, agent failure, timeout, cancel and shutdown at the same moment, while the agent goes on emitting.</summary>
    [Fact]
    public void Of_all_that_race_to_end_a_job_exactly_one_does_and_no_event_comes_after_it()
    {
        const int iterations = 10_000;
        JobSignal[] enders =
        [
            new JobSignal.Finished(new JobOutcome.Succeeded(RawJson.Parse("1"))),
            new JobSignal.Finished(new JobOutcome.Failed(ErrorCode.PermissionDenied, "failed", false)),
            new JobSignal.Stopped(new JobOutcome.Overrun(TimeSpan.FromSeconds(1))),
            new JobSignal.Stopped(new JobOutcome.Cancellation("cancelled")),
            new JobSignal.Stopped(JobOutcome.ShutDown),
        ];
        Job job = null!;
        int ended = 0;
        bool[] won = new bool[enders.Length];
        int emitted = 0;
        int stopRequests = 0;
        var winners = new int[enders.Length];

        using var barrier = new Barrier(enders.Length + 2);
        void Loop(Action act)
        {
            for (int i = 0; i < iterations; i++)
            {
                barrier.SignalAndWait();
                act();
                barrier.SignalAndWait();
            }
        }

        Thread[] threads =
        [
            .. Enumerable.Range(0, enders.Length).Select(i => new Thread(() => Loop(() => won[i] = job.TryApply(enders[i])))),
            new Thread(() => Loop(() =>
            {
                var body = new ThoughtEvent { Text = "still here" };
                emitted = 0;
                while (emitted < 50 && job.TryEmit(body))
                {
                    emitted++;
                }
            })),
        ];
        Array.ForEach(threads, thread => thread.Start());
        string? problem = null;
        for (int iteration = 0; iteration < iterations; iteration++)
        {
            ended = 0;
            job = TestJob.Create(_ => Interlocked.Increment(ref ended));
            job.TryApply(JobSignal.AgentStarted);
            job.Stopping.UnsafeRegister(_ => Interlocked.Increment(ref stopRequests), null);

            barrier.SignalAndWait();
            barrier.SignalAndWait();

            int winner = Array.IndexOf(won, true);
            winners[Math.Max(winner, 0)]++;
            var entries = new List<(long Number, string Text, bool IsTerminal)>();
            long position = 0;
            var sink = new TestJob.ListSink(entries);
            job.Feed.Read(null, ref position, ref sink);
            bool holds = won.Count(w => w) == 1
                && ended == 1
                && entries.Count == emitted + 2
                && entries[^1].IsTerminal
                && entries.Count(entry => entry.IsTerminal) == 1
                && entries[^1].Text.Contains($"\"final_status\":\"{job.Snapshot().State.Status.Value}\"", StringComparison.Ordinal)
                && !job.TryEmit(new ThoughtEvent { Text = "after" })
                && !enders.Any(job.TryApply)
                && job.Snapshot().LogLength == entries.Count
                && job.Stopping.IsCancellationRequested;
            problem ??= holds ? null : $"iteration {iteration}: won {string.Join(",", won)}, ended {ended}, emitted {emitted}, entries {entries.Count}";
        }

        Array.ForEach(threads, thread => thread.Join());
        problem.Should().BeNull();
        winners.Sum().Should().Be(iterations);
        winners.Count(wins => wins > 0).Should().BeGreaterThan(1, "otherwise nothing raced");
        SpinWait.SpinUntil(() => Volatile.Read(ref stopRequests) == iterations, WireClient.Patience).Should().BeTrue("each agent is told once");
    }

    [Fact]
    public void A_job_that_has_not_started_emits_nothing_and_does_not_finish_but_can_be_stopped()
    {
        Job job = TestJob.Create();

        job.TryEmit(new ThoughtEvent { Text = "x" }).Should().BeFalse();
        job.TryApply(new JobSignal.Finished(new JobOutcome.Succeeded(RawJson.Null))).Should().BeFalse();
        job.Snapshot().LogLength.Should().Be(0);
        job.TryApply(new JobSignal.Stopped(new JobOutcome.Cancellation(null))).Should().BeTrue();
        job.TryApply(JobSignal.AgentStarted).Should().BeFalse();

        WireFrame frame = TestJob.Frames(job).Should().ContainSingle().Subject;
        frame.FinalStatus.Should().Be("cancelled");
        frame.Message.Should().NotBeNullOrWhiteSpace();
    }

    [Fact]
    public void A_reader_that_comes_while_the_log_grows_misses_nothing()
    {
        for (int iteration = 0; iteration < 200; iteration++)
        {
            Job job = TestJob.Create();
            job.TryApply(JobSignal.AgentStarted);
            using var barrier = new Barrier(2);
            var emitter = new Thread(() =>
            {
                barrier.SignalAndWait();
                for (int i = 0; i < 100; i++)
                {
                    job.TryEmit(new ThoughtEvent { Text = "x" });
                }
            });
            emitter.Start();
            barrier.SignalAndWait();
            var reader = new CountingReader();
            long attachedAt = job.Attach(reader).LogLength;
            emitter.Join();

            // What was appended behind the snapshot has been told.
            reader.Count.Should().BeGreaterThanOrEqualTo((int)(101 - attachedAt));
        }
    }

    private sealed class CountingReader : JobReader
    {
        private int _count;

        public int Count => _count;

        public override void OnAppended() => Interlocked.Increment(ref _count);

        public override void OnStalled()
        {
        }
    }
}
