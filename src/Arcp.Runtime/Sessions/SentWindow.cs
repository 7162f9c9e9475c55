using Arcp.Runtime.Jobs;
using Arcp.Runtime.Storage;

namespace Arcp.Runtime.Sessions;

/// <summary>Which log entry each sent and unacknowledged number of a session stands for (§6.3, §6.5).</summary>
/// <remarks>Needs the outbox's lock. It keeps no bytes: neighbouring entries of one job are one run, replay reads the job's log again.</remarks>
internal sealed class SentWindow(int maxFrames, long maxBytes)
{
    private readonly LinkedList<SentRun> _runs = new();
    private long _bytes;
    private LinkedListNode<SentRun>? _lastFound;

    /// <summary>The highest number sent.</summary>
    public long LastSeq { get; private set; }

    /// <summary>The highest number that is no longer held.</summary>
    public long Floor { get; private set; }

    /// <summary>Goes on where an earlier run has stopped.</summary>
    /// <param name="floor">The highest number that is no longer held.</param>
    /// <param name="lastSeq">The highest number sent.</param>
    /// <param name="sent">What the numbers stand for, in order; those whose job is gone are no longer held.</param>
    public void Restore(long floor, long lastSeq, IEnumerable<(Job? Job, StoredFrames Frames)> sent)
    {
        LastSeq = lastSeq;
        foreach ((Job? job, StoredFrames frames) in sent)
        {
            if (job is null)
            {
                floor = Math.Max(floor, frames.FirstSeq + frames.Count - 1);
                continue;
            }

            byte[]? own = frames.OwnTail.IsEmpty ? null : frames.OwnTail.ToArray();
            if (own is null && _runs.Last?.Value is { OwnTail: null } last && last.Job == job && last.FirstEntry + last.Count == frames.FirstEntry)
            {
                last.Count += frames.Count;
                last.Bytes += frames.Size;
            }
            else
            {
                _runs.AddLast(new SentRun(job, frames.FirstSeq, frames.FirstEntry) { Count = frames.Count, Bytes = frames.Size, OwnTail = own });
            }

            _bytes += frames.Size;
        }

        Release(floor);
    }

    /// <summary>The number that an entry of a job was sent with; null = it is not held, or was not sent.</summary>
    public long? FindSeq(Job job, long entry) => _runs
        .Where(run => run.Job == job && run.OwnTail is null && entry >= run.FirstEntry && entry < run.FirstEntry + run.Count)
        .Select(run => (long?)(run.FirstSeq + entry - run.FirstEntry))
        .FirstOrDefault();

    /// <summary>Gives the next number to a log entry.</summary>
    public long Add(Job job, long entryNumber, int bytes)
    {
        LastSeq++;
        if (_runs.Last?.Value is { OwnTail: null } last && last.Job == job && last.FirstEntry + last.Count == entryNumber)
        {
            last.Count++;
            last.Bytes += bytes;
        }
        else
        {
            _runs.AddLast(new SentRun(job, LastSeq, entryNumber) { Count = 1, Bytes = bytes });
        }

        return Added(bytes);
    }

    /// <summary>Gives the next number to a frame that is the session's own and stands in no log.</summary>
    public long AddOwn(Job job, byte[] tail)
    {
        LastSeq++;
        _runs.AddLast(new SentRun(job, LastSeq, firstEntry: 0) { Count = 1, Bytes = tail.Length, OwnTail = tail });
        return Added(tail.Length);
    }

    /// <summary>Lets go of all numbers up to one.</summary>
    public void Release(long upTo)
    {
        Floor = Math.Max(Floor, upTo);
        while (_runs.First?.Value is { } run && run.FirstSeq <= Floor)
        {
            long dropped = Math.Min(Floor - run.FirstSeq + 1, run.Count);
            long bytes = run.Bytes * dropped / run.Count; // a run's frames are taken to be alike
            _bytes -= bytes;
            if (dropped == run.Count)
            {
                _runs.RemoveFirst();
                continue;
            }

            run.FirstSeq += dropped;
            run.FirstEntry += dropped;
            run.Count -= dropped;
            run.Bytes -= bytes;
        }
    }

    /// <summary>Whether every frame above a number can be sent again.</summary>
    public bool HoldsAllAbove(long seq)
    {
        if (seq < Floor || seq > LastSeq)
        {
            return false;
        }

        return _runs.All(run => run.FirstSeq + run.Count - 1 <= seq
            || run.OwnTail is not null
            || run.Job.Feed.Holds(run.FirstEntry + Math.Max(0, seq - run.FirstSeq + 1) - 1));
    }

    /// <summary>Finds what a number stands for.</summary>
    public SentFrames? Find(long seq)
    {
        // A replay asks for one number after the other, so the next one is usually in the run found last or behind it.
        bool isBehindHint = _lastFound is { List: not null } && _lastFound.Value.FirstSeq <= seq;
        for (LinkedListNode<SentRun>? node = isBehindHint ? _lastFound : _runs.First; node is not null; node = node.Next)
        {
            SentRun run = node.Value;
            if (seq >= run.FirstSeq && seq < run.FirstSeq + run.Count)
            {
                _lastFound = node;
                long skipped = seq - run.FirstSeq;
                return new SentFrames(run.Job, run.FirstEntry + skipped, run.Count - skipped, run.OwnTail);
            }
        }

        return null;
    }

    private long Added(int bytes)
    {
        _bytes += bytes;
        if (LastSeq - Floor > maxFrames || _bytes > maxBytes)
        {
            Evict();
        }

        return LastSeq;
    }

    private void Evict()
    {
        long upTo = Math.Max(Floor, LastSeq - maxFrames);
        Release(upTo);
        while (_bytes > maxBytes && Floor < LastSeq - 1)
        {
            Release(Floor + 1);
        }
    }

    private sealed class SentRun(Job job, long firstSeq, long firstEntry)
    {
        public Job Job { get; } = job;

        public long FirstSeq { get; set; } = firstSeq;

        public long FirstEntry { get; set; } = firstEntry;

        public long Count { get; set; }

        public long Bytes { get; set; }

        public byte[]? OwnTail { get; init; }
    }
}

/// <summary>What numbers of a session stand for, from one of them on.</summary>
/// <param name="Job">The job.</param>
/// <param name="Entry">The entry of its log.</param>
/// <param name="Count">How many numbers from this one on are neighbouring entries.</param>
/// <param name="OwnTail">The bytes, when they stand in no log.</param>
internal readonly record struct SentFrames(Job Job, long Entry, long Count, byte[]? OwnTail);
