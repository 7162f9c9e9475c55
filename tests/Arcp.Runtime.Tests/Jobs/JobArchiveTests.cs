using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Runtime.Authentication;
using Arcp.Runtime.Jobs;
using Arcp.Runtime.Leases;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Jobs;

/// <summary>Where what is left of jobs lies.</summary>
[Trait("Section", "6.6")]
public class JobArchiveTests
{
    private static readonly JobOrigin Origin = NewOrigin();

    [Fact]
    public async Task What_many_threads_add_at_once_stays_what_it_is_and_goes_in_order()
    {
        const int threads = 4;
        const int records = 50_000;
        var archive = new JobArchive();
        var added = new ArchivedRecord[threads][];
        using var start = new Barrier(threads);
        await Task.WhenAll(Enumerable.Range(0, threads).Select(thread => Task.Run(() =>
        {
            added[thread] = new ArchivedRecord[records];
            start.SignalAndWait();
            for (int i = 0; i < records; i++)
            {
                archive.Add(ContentOf(thread, i), Origin, id: null, out added[thread][i]);
            }
        })));

        for (int thread = 0; thread < threads; thread++)
        {
            for (int i = 0; i < records; i++)
            {
                Read(added[thread][i]).Should().Equal(ContentOf(thread, i));
                archive.At(added[thread][i].Place).Should().Be(added[thread][i]);
            }
        }

        int[] next = new int[threads];
        while (archive.TryPeek(out ArchivedRecord record))
        {
            byte[] content = Read(record);
            int thread = content[0];
            record.Should().Be(added[thread][next[thread]]);
            next[thread]++;
            archive.Take();
        }

        next.Should().OnlyContain(count => count == records);
    }

    [Fact]
    public void Records_are_as_long_as_they_were_up_to_the_largest()
    {
        var archive = new JobArchive();
        foreach (int length in new[] { 0, 1, 25, 127, 128, 5_000, JobArchive.LargestRecord, JobArchive.LargestRecord, 3 })
        {
            byte[] content = new byte[length];
            new Random(length).NextBytes(content);
            archive.Add(content, Origin, id: null, out ArchivedRecord record);
            Read(record).Should().Equal(content);
            record.Origin.Should().BeSameAs(Origin);
        }
    }

    [Fact]
    public void Each_record_tells_the_origin_that_it_came_with()
    {
        var archive = new JobArchive();
        JobOrigin[] origins = [.. Enumerable.Range(0, 20).Select(_ => NewOrigin())];
        List<(ArchivedRecord Record, JobOrigin Origin)> added = [];
        for (int i = 0; i < 10_000; i++)
        {
            JobOrigin origin = origins[i % 7 * (i % 3)];
            archive.Add(ContentOf(1, i), origin, id: null, out ArchivedRecord record);
            added.Add((record, origin));
        }

        added.Should().OnlyContain(entry => ReferenceEquals(entry.Record.Origin, entry.Origin));
    }

    [Fact]
    public void Jobs_are_found_by_their_ids_in_whatever_order_these_were_made()
    {
        var archive = new JobArchive();
        var random = new Random(7);
        var clock = new ManualClock();
        var added = new Dictionary<JobId, ArchivedRecord>();
        for (int i = 0; i < 20_000; i++)
        {
            clock.Advance(TimeSpan.FromMilliseconds(random.Next(50)));
            JobId id = random.Next(100) switch
            {
                0 => new JobId(new string('ü', random.Next(1, 120)) + i),
                1 => new JobId($"j{i}"),
                _ => JobId.New(clock),
            };
            added.Add(id, Add(archive, id));
        }

        foreach ((JobId id, ArchivedRecord record) in added)
        {
            archive.TryFind(id, out ArchivedRecord found).Should().BeTrue();
            found.Should().Be(record);
        }

        archive.TryFind(JobId.New(clock), out _).Should().BeFalse();
        archive.TryFind(new JobId("j"), out _).Should().BeFalse();
        new JobArchive().TryFind(JobId.New(clock), out _).Should().BeFalse();
    }

    [Fact]
    public void Ids_with_the_same_hash_are_told_apart()
    {
        var seen = new Dictionary<int, string>();
        string one, other;
        for (int i = 0; ; i++)
        {
            other = $"job_{i}";
            if (!seen.TryAdd(string.GetHashCode(other), other))
            {
                one = seen[string.GetHashCode(other)];
                break;
            }
        }

        var archive = new JobArchive();
        ArchivedRecord first = Add(archive, new JobId(one));
        archive.TryFind(new JobId(other), out _).Should().BeFalse();
        ArchivedRecord second = Add(archive, new JobId(other));
        archive.TryFind(new JobId(one), out ArchivedRecord foundFirst).Should().BeTrue();
        archive.TryFind(new JobId(other), out ArchivedRecord foundSecond).Should().BeTrue();
        (foundFirst, foundSecond).Should().Be((first, second));
    }

    [Fact]
    public void A_block_goes_with_the_last_of_its_records()
    {
        var archive = new JobArchive();
        WeakReference block = AddBlocks(archive, out int records);
        for (int i = 0; i < records; i++)
        {
            GC.Collect();
            block.IsAlive.Should().BeTrue();
            archive.TryPeek(out _).Should().BeTrue();
            archive.Take();
        }

        archive.TryPeek(out _).Should().BeTrue();
        GC.Collect();
        block.IsAlive.Should().BeFalse();
        GC.KeepAlive(archive);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference AddBlocks(JobArchive archive, out int records)
    {
        archive.Add(Noise(0), Origin, id: null, out ArchivedRecord first);
        ArchivedRecord next = first;
        for (records = 0; next.Block == first.Block; records++)
        {
            archive.Add(Noise(records + 1), Origin, id: null, out next);
        }

        return new WeakReference(first.Block);
    }

    private static byte[] Noise(int seed)
    {
        byte[] content = new byte[8_000];
        new Random(seed).NextBytes(content);
        return content;
    }

    private static ArchivedRecord Add(JobArchive archive, JobId id)
    {
        archive.Add(PackedJob.Write(TestJob.NewSpec() with { Id = id }, 1, JobStatus.Success, 0).WrittenSpan, Origin, id.Value, out ArchivedRecord record);
        return record;
    }

    // Of one form, as jobs' records are, with a length and a few bytes of their own.
    private static byte[] ContentOf(int thread, int i)
    {
        byte[] content = new byte[40 + (i % 50)];
        content[0] = (byte)thread;
        BinaryPrimitives.WriteInt32LittleEndian(content.AsSpan(12), i);
        return content;
    }

    private static byte[] Read(ArchivedRecord record)
    {
        byte[] content = new byte[record.Length];
        record.CopyTo(content);
        return content;
    }

    private static JobOrigin NewOrigin() => new(Principal.Named("alice"), SessionId.New(TimeProvider.System), new JobAgent("a", "1"), LeaseGuard.DenyAll);
}
