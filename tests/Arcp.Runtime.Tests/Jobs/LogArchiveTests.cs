using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Arcp.Runtime.Jobs;

namespace Arcp.Runtime.Tests.Jobs;

[Trait("Section", "8.3")]
public class LogArchiveTests
{
    [Fact]
    public async Task What_many_threads_keep_at_once_never_overlaps()
    {
        const int threads = 4;
        const int parts = 100_000;
        var archive = new LogArchive();
        var kept = new ConcurrentBag<(long Value, ArraySegment<byte> Part)>();
        using var start = new Barrier(threads);
        await Task.WhenAll(Enumerable.Range(0, threads).Select(thread => Task.Run(() =>
        {
            start.SignalAndWait();
            for (long i = 0; i < parts; i++)
            {
                long value = (thread * parts) + i;
                ArraySegment<byte> part = archive.Take(sizeof(long));
                MemoryMarshal.Write(part, value);
                kept.Add((value, part));
            }
        })));

        kept.Should().HaveCount(threads * parts);
        kept.Should().OnlyContain(entry => MemoryMarshal.Read<long>(entry.Part) == entry.Value);
    }

    [Fact]
    public void A_part_is_as_long_as_what_it_keeps_and_one_that_does_not_fit_begins_a_block()
    {
        var archive = new LogArchive();
        List<ArraySegment<byte>> kept = [.. Enumerable.Range(0, 40).Select(_ => archive.Take(LogArchive.LargestLog))];
        kept.Should().OnlyContain(segment => segment.Count == LogArchive.LargestLog);
        kept.Select(segment => segment.Array).Distinct().Should().HaveCount(2);
        archive.Take(0).Count.Should().Be(0);
    }
}
