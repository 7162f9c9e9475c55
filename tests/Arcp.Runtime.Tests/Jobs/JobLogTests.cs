using System.Text;
using Arcp.Runtime.Jobs;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Jobs;

[Trait("Section", "8.3")]
public class JobLogTests
{
    [Fact]
    public void Entries_are_numbered_from_one_and_read_in_order_from_any_position()
    {
        JobLog log = Filled(1000);

        for (long from = 0; from <= 1000; from += 37)
        {
            List<(long Number, string Text, bool IsTerminal)> entries = Read(ref log, from, out LogReadStatus status, out long position);
            status.Should().Be(LogReadStatus.CaughtUp);
            position.Should().Be(1000);
            entries.Select(entry => entry.Number).Should().Equal(Enumerable.Range((int)from + 1, 1000 - (int)from).Select(n => (long)n));
            entries.Should().AllSatisfy(entry => entry.Text.Should().Be(TextOf(entry.Number)));
        }
    }

    [Fact]
    public void A_full_sink_stops_the_reading_where_it_can_go_on()
    {
        JobLog log = Filled(10);
        long position = 0;
        var all = new List<long>();
        LogReadStatus status;
        do
        {
            var entries = new List<(long Number, string Text, bool IsTerminal)>();
            var sink = new TestJob.ListSink(entries, room: 3);
            status = log.Read(ref position, ref sink);
            entries.Count.Should().BeLessThanOrEqualTo(3);
            all.AddRange(entries.Select(entry => entry.Number));
        }
        while (status is LogReadStatus.More);

        all.Should().Equal(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
        status.Should().Be(LogReadStatus.CaughtUp);
    }

    [Fact]
    public void Beyond_its_number_of_entries_the_oldest_go()
    {
        var log = TestJob.NewLog(maxEntries: 5, maxBytes: long.MaxValue);
        Fill(ref log, 12);

        log.Length.Should().Be(12);
        log.Evicted.Should().Be(7);
        Read(ref log, 7, out LogReadStatus status, out _).Select(entry => entry.Text).Should().Equal(Enumerable.Range(8, 5).Select(n => TextOf(n)));
        status.Should().Be(LogReadStatus.CaughtUp);
        Read(ref log, 6, out status, out long position).Should().BeEmpty();
        status.Should().Be(LogReadStatus.Gone);
        position.Should().Be(6);
    }

    [Fact]
    public void Beyond_its_bytes_the_oldest_go_and_the_last_one_never()
    {
        var log = TestJob.NewLog(maxEntries: int.MaxValue, maxBytes: 100);
        for (int i = 0; i < 10; i++)
        {
            log.Append(new NewEntry { Bytes = new byte[30] });
        }

        log.Bytes.Should().Be(90);
        log.Evicted.Should().Be(7);

        log.Append(new NewEntry { Bytes = new byte[5000], Kind = EntryKind.Terminal });

        log.Evicted.Should().Be(10);
        log.Bytes.Should().Be(5000);
        Read(ref log, 10, out _, out _).Should().ContainSingle().Which.IsTerminal.Should().BeTrue();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(7)]
    public void The_ring_holds_up_while_it_grows_and_turns(int kept)
    {
        var log = TestJob.NewLog(kept, long.MaxValue);
        for (int i = 1; i <= 100; i++)
        {
            log.Append(new NewEntry { Bytes = Encoding.UTF8.GetBytes(TextOf(i)) });
            long first = Math.Max(0, i - kept);
            log.Evicted.Should().Be(first);
            Read(ref log, first, out _, out _).Select(entry => entry.Text).Should().Equal(Enumerable.Range((int)first + 1, i - (int)first).Select(n => TextOf(n)));
        }
    }

    [Fact]
    public void Entries_of_all_sizes_keep_their_bytes()
    {
        var log = TestJob.NewLog(int.MaxValue, long.MaxValue);
        var random = new Random(7);
        var expected = new List<byte[]>();
        for (int i = 0; i < 500; i++)
        {
            var bytes = new byte[i % 50 == 0 ? random.Next(60_000, 200_000) : random.Next(1, 2000)];
            random.NextBytes(bytes);
            expected.Add(bytes);
            log.Append(new NewEntry { Bytes = bytes });
        }

        log.Bytes.Should().Be(expected.Sum(bytes => (long)bytes.Length));
        long position = 0;
        var sink = new CompareSink(expected);
        log.Read(ref position, ref sink).Should().Be(LogReadStatus.CaughtUp);
        sink.Same.Should().Be(500);
    }

    [Theory]
    [InlineData(1, int.MaxValue)]
    [InlineData(2, int.MaxValue)]
    [InlineData(3, int.MaxValue)]
    [InlineData(100, int.MaxValue)]
    [InlineData(2000, 5)]
    public void A_log_that_is_done_gives_up_room_and_keeps_all_that_it_holds(int entries, int maxEntries)
    {
        var log = TestJob.NewLog(maxEntries);
        Fill(ref log, entries);
        long position = Math.Max(0, entries - maxEntries);
        List<(long Number, string Text, bool IsTerminal)> before = Read(ref log, position, out _, out _);
        long bytes = log.Bytes;

        log.Trim();
        log.Trim();

        Read(ref log, position, out LogReadStatus status, out long end).Should().Equal(before);
        (status, end, log.Length, log.Bytes).Should().Be((LogReadStatus.CaughtUp, (long)entries, (long)entries, bytes));
    }

    [Fact]
    public void A_large_log_that_is_done_holds_little_more_than_its_entries()
    {
        var log = TestJob.NewLog();
        log.Append(new NewEntry { Bytes = new byte[40_000] });
        log.Append(new NewEntry { Bytes = new byte[10_000] }); // a second slab, of 64 KiB
        log.Trim();

        SlabsOf(ref log).Sum(slab => slab.Length).Should().Be(40_000 + 10_000);
    }

    [Fact]
    public void A_full_log_goes_on_in_the_memory_of_what_has_gone_and_keeps_all_that_it_holds()
    {
        var log = TestJob.NewLog(maxEntries: 1000, maxBytes: long.MaxValue);
        var slabs = new HashSet<byte[]>();
        Fill(ref log, 10_000); // some slabs of the largest size

        for (int i = 10_001; i <= 50_000; i++)
        {
            slabs.Add(log.Append(new NewEntry { Bytes = Encoding.UTF8.GetBytes(TextOf(i)) }).Slab);
        }

        slabs.Count.Should().BeInRange(2, 4);
        Read(ref log, 49_000, out _, out _).Select(entry => entry.Text).Should().Equal(Enumerable.Range(49_001, 1000).Select(n => TextOf(n)));
    }

    [Fact]
    public void A_full_log_with_a_store_leaves_what_has_gone_as_it_is_for_it_may_not_be_written_yet()
    {
        var limits = new JobLimits(1000, long.MaxValue, TimeSpan.FromSeconds(30), new LogMemory(long.MaxValue)) { Store = new JobStore(null!, null!) };
        var log = new JobLog(limits);
        var kept = new List<LogEntry>();
        for (int i = 1; i <= 20_000; i++)
        {
            kept.Add(log.Append(new NewEntry { Bytes = Encoding.UTF8.GetBytes(TextOf(i)) }));
        }

        kept.Select(entry => Encoding.UTF8.GetString(entry.TailFor(isOwner: true))).Should().Equal(Enumerable.Range(1, 20_000).Select(n => TextOf(n)));
    }

    [Fact]
    public void A_log_with_a_store_leaves_its_slab_as_it_is_when_it_is_done_for_it_may_not_be_written_yet()
    {
        var limits = new JobLimits(1000, long.MaxValue, TimeSpan.FromSeconds(30), new LogMemory(long.MaxValue)) { Store = new JobStore(null!, null!) };
        var kept = new List<LogEntry>();
        for (int i = 1; i <= 100; i++)
        {
            var log = new JobLog(limits);
            kept.Add(log.Append(new NewEntry { Bytes = Encoding.UTF8.GetBytes(TextOf(i)) }));
            log.Trim();
        }

        kept.Select(entry => Encoding.UTF8.GetString(entry.TailFor(isOwner: true))).Should().Equal(Enumerable.Range(1, 100).Select(n => TextOf(n)));
    }

    private static string TextOf(long number) => $"entry {number} {new string('x', (int)(number % 90))}";

    private static JobLog Filled(int count)
    {
        var log = TestJob.NewLog(int.MaxValue, long.MaxValue);
        Fill(ref log, count);
        return log;
    }

    private static void Fill(ref JobLog log, int count)
    {
        for (int i = 1; i <= count; i++)
        {
            log.Append(new NewEntry { Bytes = Encoding.UTF8.GetBytes(TextOf(i)) });
        }
    }

    private static List<(long Number, string Text, bool IsTerminal)> Read(ref JobLog log, long from, out LogReadStatus status, out long position)
    {
        var entries = new List<(long Number, string Text, bool IsTerminal)>();
        position = from;
        var sink = new TestJob.ListSink(entries);
        status = log.Read(ref position, ref sink);
        return entries;
    }

    private static HashSet<byte[]> SlabsOf(ref JobLog log)
    {
        var sink = new SlabSink([]);
        long position = log.Evicted;
        log.Read(ref position, ref sink);
        return sink.Slabs;
    }

    private struct SlabSink(HashSet<byte[]> slabs) : ILogSink
    {
        public readonly HashSet<byte[]> Slabs => slabs;

        public readonly SinkAnswer Accept(long number, in LogEntry entry)
        {
            slabs.Add(entry.Slab);
            return SinkAnswer.More;
        }
    }

    private struct CompareSink(List<byte[]> expected) : ILogSink
    {
        public int Same { get; private set; }

        public SinkAnswer Accept(long number, in LogEntry entry)
        {
            Same += entry.TailFor(isOwner: true).SequenceEqual(expected[(int)number - 1]) ? 1 : 0;
            return SinkAnswer.More;
        }
    }
}
