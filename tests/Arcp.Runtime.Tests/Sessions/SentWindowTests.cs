using Arcp.Core.Events;
using Arcp.Runtime.Jobs;
using Arcp.Runtime.Sessions;
using Arcp.Runtime.Storage;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Sessions;

[Trait("Section", "6.3")]
public class SentWindowTests
{
    [Fact]
    public void What_an_earlier_run_has_let_go_of_is_not_held_any_more()
    {
        KnownJob job = TestJob.Create().Known;
        var window = new SentWindow(1000, long.MaxValue);
        window.Restore(floor: 4, lastSeq: 10, [(job, new StoredFrames(1, 10, job.Id, 1, 1_000, default))]);

        (window.Floor, window.LastSeq).Should().Be((4, 10));
        window.Find(4).Should().BeNull();
        window.Find(5).Should().Be(new SentFrames(job, 5, 6, null));
        window.HoldsAllAbove(3).Should().BeFalse();
        window.FindSeq(job, 4).Should().BeNull();
        window.FindSeq(job, 5).Should().Be(5);
        window.Add(job, 11, 100).Should().Be(11);
    }

    [Fact]
    public void Many_entries_are_added_at_once_as_they_are_one_by_one()
    {
        KnownJob a = JobWith(100);
        KnownJob b = JobWith(100);
        var atOnce = new SentWindow(maxFrames: 12, maxBytes: 100);
        var oneByOne = new SentWindow(maxFrames: 12, maxBytes: 100);
        foreach ((KnownJob job, int from, int count) in new[] { (a, 1, 5), (a, 6, 4), (b, 1, 20), (a, 10, 1), (b, 22, 3) })
        {
            long last = atOnce.Add(job, from, count * 10, count);
            for (int i = 0; i < count; i++)
            {
                oneByOne.Add(job, from + i, 10);
            }

            (atOnce.LastSeq, atOnce.Floor).Should().Be((oneByOne.LastSeq, oneByOne.Floor)).And.Be((last, Math.Max(0, last - 10)));
            for (long seq = 1; seq <= last; seq++)
            {
                atOnce.Find(seq).Should().Be(oneByOne.Find(seq));
            }
        }
    }

    [Fact]
    public void Numbers_count_from_one_and_are_found_again()
    {
        KnownJob a = JobWith(100);
        KnownJob b = JobWith(100);
        var window = new SentWindow(1000, long.MaxValue);
        var expected = new Dictionary<long, (KnownJob Job, long Entry)>();
        long seq = 0;
        foreach ((KnownJob job, int from, int count) in new[] { (a, 1, 5), (b, 1, 1), (a, 6, 2), (b, 2, 10), (b, 20, 3) })
        {
            for (int i = 0; i < count; i++)
            {
                window.Add(job, from + i, 10).Should().Be(++seq);
                expected[seq] = (job, from + i);
            }
        }

        window.LastSeq.Should().Be(21);
        foreach ((long number, (KnownJob job, long entry)) in expected)
        {
            SentFrames? found = window.Find(number);
            found!.Value.Job.Should().BeSameAs(job);
            found.Value.Entry.Should().Be(entry);
            for (long i = 0; i < found.Value.Count; i++)
            {
                expected[number + i].Should().Be((job, entry + i), "a run goes on with neighbours");
            }
        }

        window.Find(0).Should().BeNull();
        window.Find(22).Should().BeNull();
    }

    [Fact]
    public void What_is_released_is_no_longer_held_and_the_rest_is()
    {
        KnownJob a = JobWith(10);
        KnownJob b = JobWith(10);
        var window = new SentWindow(1000, long.MaxValue);
        for (int i = 1; i <= 10; i++)
        {
            window.Add(a, i, 10);
            window.Add(b, i, 10);
        }

        window.Release(7);
        window.Release(3);

        window.Floor.Should().Be(7);
        window.Find(7).Should().BeNull();
        window.Find(8)!.Value.Entry.Should().Be(4);
        window.HoldsAllAbove(6).Should().BeFalse();
        window.HoldsAllAbove(7).Should().BeTrue();
        window.HoldsAllAbove(20).Should().BeTrue();
        window.HoldsAllAbove(21).Should().BeFalse("it was never sent");
        window.Release(20);
        window.Find(20).Should().BeNull();
        window.HoldsAllAbove(20).Should().BeTrue();
        window.Add(a, 11, 10).Should().Be(21);
    }

    [Fact]
    public void Releasing_within_a_run_keeps_its_rest_exact()
    {
        KnownJob a = JobWith(100);
        var window = new SentWindow(1000, long.MaxValue);
        for (int i = 1; i <= 100; i++)
        {
            window.Add(a, i, i);
        }

        for (int upTo = 1; upTo < 100; upTo += 7)
        {
            window.Release(upTo);
            SentFrames? found = window.Find(upTo + 1);
            found!.Value.Entry.Should().Be(upTo + 1);
            found.Value.Count.Should().Be(100 - upTo);
        }
    }

    [Fact]
    public void Beyond_its_number_of_frames_the_oldest_go()
    {
        KnownJob a = JobWith(20);
        var window = new SentWindow(maxFrames: 5, long.MaxValue);
        for (int i = 1; i <= 12; i++)
        {
            window.Add(a, i, 10);
        }

        window.Floor.Should().Be(7);
        window.HoldsAllAbove(7).Should().BeTrue();
        window.HoldsAllAbove(6).Should().BeFalse();
    }

    [Fact]
    public void Beyond_its_bytes_the_oldest_go_and_the_last_one_never()
    {
        KnownJob a = JobWith(20);
        var window = new SentWindow(1000, maxBytes: 100);
        for (int i = 1; i <= 20; i++)
        {
            window.Add(a, i, 30);
        }

        window.Floor.Should().Be(17);
        window.Add(a, 21, 10_000);
        window.Floor.Should().Be(20);
        window.HoldsAllAbove(20).Should().BeTrue();
    }

    [Fact]
    public void What_the_jobs_log_has_lost_is_not_held()
    {
        Job a = TestJob.Create(maxEntries: 10);
        KnownJob b = JobWith(20);
        a.TryApply(JobSignal.AgentStarted);
        var window = new SentWindow(1000, long.MaxValue);
        for (int i = 1; i <= 20; i++)
        {
            a.TryEmit(new ThoughtEvent { Text = "x" });
            window.Add(a.Known, i, 10);
        }

        for (int i = 1; i <= 5; i++)
        {
            window.Add(b, i, 10);
        }

        // a holds the last 10 of 21 entries: 12 to 21.
        window.HoldsAllAbove(11).Should().BeTrue();
        window.HoldsAllAbove(10).Should().BeFalse();
        window.HoldsAllAbove(0).Should().BeFalse();
        window.HoldsAllAbove(22).Should().BeTrue();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Whatever_is_sent_and_let_go_of_the_rest_is_found(int seed)
    {
        var random = new Random(seed);
        KnownJob[] jobs = [TestJob.Create().Known, TestJob.Create().Known, TestJob.Create().Known];
        long[] entries = new long[jobs.Length];
        var window = new SentWindow(100_000, long.MaxValue);
        var sent = new List<(KnownJob Job, long Entry, bool IsOwn)>();
        for (int step = 0; step < 3_000; step++)
        {
            int which = random.Next(jobs.Length);
            for (int i = random.Next(1, 4); i > 0; i--)
            {
                bool isOwn = random.Next(10) == 0;
                sent.Add((jobs[which], isOwn ? 0 : ++entries[which], isOwn));
                long seq = isOwn ? window.AddOwn(jobs[which], [1]) : window.Add(jobs[which], entries[which], 10);
                seq.Should().Be(sent.Count);
            }

            if (random.Next(4) == 0)
            {
                window.Release(random.Next(20) == 0 ? sent.Count : random.NextInt64(window.Floor, sent.Count + 1));
            }

            if (step % 50 == 0)
            {
                for (long seq = Math.Max(1, window.Floor - 3); seq <= sent.Count + 1; seq++)
                {
                    bool isHeld = seq > window.Floor && seq <= sent.Count;
                    SentFrames? found = window.Find(seq);
                    (found is not null).Should().Be(isHeld);
                    if (found is { } frames)
                    {
                        (frames.Job, frames.Entry, frames.OwnTail is not null).Should().Be(sent[(int)seq - 1]);
                        (sent[(int)(seq + frames.Count) - 2].Entry - frames.Entry).Should().Be(frames.Count - 1, "a run goes on with neighbours");
                    }
                }
            }
        }
    }

    private static KnownJob JobWith(int entries)
    {
        Job job = TestJob.Create();
        job.TryApply(JobSignal.AgentStarted);
        for (int i = 1; i < entries; i++)
        {
            job.TryEmit(new ThoughtEvent { Text = "x" });
        }

        return job.Known;
    }
}
