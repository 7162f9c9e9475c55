using System.Runtime.InteropServices;

namespace Arcp.Runtime.Jobs;

/// <summary>Jobs in the order of §6.6, for many jobs that come at the end as a rule and go from the start: neither costs more for many than for few, and a job takes the room of its number.</summary>
/// <remarks>Not thread-safe. Jobs lie in chunks, none of them empty: what comes or goes in between moves the rest of one chunk.</remarks>
/// <param name="find">Finds those among them by their numbers.</param>
internal sealed class SortedJobs(Func<long, KnownJob> find)
{
    private const int ChunkSize = 256;

    private readonly List<List<long>> _chunks = [];
    private JobPlace? _last; // the last one's place, if it is at hand

    public int Count { get; private set; }

    /// <summary>Adds a job that is not among them.</summary>
    public void Add(KnownJob job)
    {
        Count++;
        var place = JobPlace.Of(job);
        if (_chunks.Count == 0 || place.CompareTo(_last ??= JobPlace.Of(find(_chunks[^1][^1]))) > 0)
        {
            if (_chunks.Count == 0 || _chunks[^1].Count == ChunkSize)
            {
                _chunks.Add([]);
            }

            _chunks[^1].Add(job.Number);
            _last = place;
            return;
        }

        (int at, int index) = FirstFrom(place);
        if (_chunks[at].Count == ChunkSize)
        {
            List<long> rear = _chunks[at].GetRange(ChunkSize / 2, ChunkSize / 2);
            _chunks[at].RemoveRange(ChunkSize / 2, ChunkSize / 2);
            _chunks.Insert(at + 1, rear);
            (at, index) = index > ChunkSize / 2 ? (at + 1, index - (ChunkSize / 2)) : (at, index);
        }

        _chunks[at].Insert(index, job.Number);
    }

    /// <summary>Removes a job; nothing happens when it is not among them.</summary>
    public void Remove(KnownJob job)
    {
        (int at, int index) = _chunks.Count > 0 && _chunks[0][0] == job.Number ? (0, 0) : FirstFrom(JobPlace.Of(job));
        if (at == _chunks.Count || _chunks[at][index] != job.Number)
        {
            return;
        }

        Count--;
        List<long> chunk = _chunks[at];
        _last = at == _chunks.Count - 1 && index == chunk.Count - 1 ? null : _last;
        chunk.RemoveAt(index);
        if (chunk.Count == 0)
        {
            _chunks.RemoveAt(at);
        }
        else if (chunk.Count <= chunk.Capacity / 4)
        {
            chunk.Capacity = chunk.Count * 2; // the few that stay for long do not keep the room of all
        }
    }

    /// <summary>Takes jobs' numbers in order.</summary>
    /// <param name="behind">The place behind which to begin, which need not be a job's; null = from the start.</param>
    /// <param name="count">The most that are taken.</param>
    public List<long> Take(JobPlace? behind, int count)
    {
        (int at, int index) = behind is { } place ? FirstFrom(place) : (0, 0);
        if (at < _chunks.Count && behind is { } last && last.CompareTo(find(_chunks[at][index])) == 0)
        {
            index++;
        }

        var taken = new List<long>(Math.Min(count, Count));
        for (; at < _chunks.Count && taken.Count < count; at++, index = 0)
        {
            Span<long> rest = CollectionsMarshal.AsSpan(_chunks[at])[index..];
            taken.AddRange(rest[..Math.Min(count - taken.Count, rest.Length)]);
        }

        return taken;
    }

    // The first job that is at a place or behind it; the end when there is none.
    private (int Chunk, int Index) FirstFrom(JobPlace place)
    {
        int at = Search(_chunks.Count, chunk => place.CompareTo(find(_chunks[chunk][^1])) > 0);
        return at == _chunks.Count ? (at, 0) : (at, Search(_chunks[at].Count, index => place.CompareTo(find(_chunks[at][index])) > 0));
    }

    // How many of the first ones are before; they are followed by those that are not.
    private static int Search(int count, Predicate<int> isBefore)
    {
        int low = 0;
        int high = count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (isBefore(middle))
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }
}
