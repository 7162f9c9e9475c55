using Arcp.Runtime.Jobs;
using Arcp.Runtime.Storage;

namespace Arcp.Runtime.Sessions;

/// <summary>Which log entry each sent and unacknowledged number of a session stands for (§6.3, §6.5).</summary>
/// <remarks>Needs the outbox's lock. It keeps no bytes: neighbouring entries of one job are one run, replay reads the job's log again.</remarks>
internal sealed class SentWindow(int maxFrames, long maxBytes)
{
    private const int FirstRuns = 4;

    /// <summary>How much room is kept when nothing is held: what a busy session with acknowledgements goes on with.</summary>
    private const int KeptRuns = 128;

    // A ring in the order of numbers; its length is a power of two.
    private SentRun[] _runs = [];
    private int _first;
    private int _count;
    private long _bytes;

    /// <summary>The highest number sent.</summary>
    public long LastSeq { get; private set; }

    /// <summary>The highest number that is no longer held.</summary>
    public long Floor { get; private set; }

    /// <summary>Goes on where an earlier run has stopped.</summary>
    /// <param name="floor">The highest number that is no longer held.</param>
    /// <param name="lastSeq">The highest number sent.</param>
    /// <param name="sent">What the numbers stand for, in order; those whose job is gone are no longer held.</param>
    public void Restore(long floor, long lastSeq, IEnumerable<(KnownJob? Job, StoredFrames Frames)> sent)
    {
        LastSeq = lastSeq;
        foreach ((KnownJob? job, StoredFrames frames) in sent)
        {
            if (job is null)
            {
                floor = Math.Max(floor, frames.FirstSeq + frames.Count - 1);
                continue;
            }

            Add(new SentRun(job, frames.FirstSeq, frames.FirstEntry, frames.OwnTail.IsEmpty ? null : frames.OwnTail.ToArray()) { Count = frames.Count, Bytes = frames.Size });
            _bytes += frames.Size;
        }

        Release(floor);
    }

    /// <summary>The number that an entry of a job was sent with; null = it is not held, or was not sent.</summary>
    public long? FindSeq(KnownJob job, long entry)
    {
        for (int i = 0; i < _count; i++)
        {
            ref readonly SentRun run = ref At(i);
            if (run.Job == job && run.OwnTail is null && entry >= run.FirstEntry && entry < run.FirstEntry + run.Count)
            {
                return run.FirstSeq + entry - run.FirstEntry;
            }
        }

        return null;
    }

    /// <summary>Gives the next numbers to neighbouring log entries.</summary>
    /// <param name="job">Whose log it is.</param>
    /// <param name="entry">The first entry.</param>
    /// <param name="bytes">The bytes of all their frames.</param>
    /// <param name="count">How many there are.</param>
    /// <returns>The last number.</returns>
    public long Add(KnownJob job, long entry, long bytes, int count = 1)
    {
        Add(new SentRun(job, LastSeq + 1, entry, ownTail: null) { Count = count, Bytes = bytes });
        LastSeq += count;
        return Added(bytes);
    }

    /// <summary>Gives the next number to a frame that is the session's own and stands in no log.</summary>
    public long AddOwn(KnownJob job, byte[] tail)
    {
        Add(new SentRun(job, ++LastSeq, firstEntry: 0, tail) { Count = 1, Bytes = tail.Length });
        return Added(tail.Length);
    }

    /// <summary>Lets go of all numbers up to one.</summary>
    public void Release(long upTo)
    {
        Floor = Math.Max(Floor, upTo);
        while (_count > 0 && At(0).FirstSeq <= Floor)
        {
            ref SentRun run = ref At(0);
            long dropped = Math.Min(Floor - run.FirstSeq + 1, run.Count);
            long bytes = run.Bytes * dropped / run.Count; // a run's frames are taken to be alike
            _bytes -= bytes;
            if (dropped == run.Count)
            {
                run = default;
                _first++;
                _count--;
                continue;
            }

            run.FirstSeq += dropped;
            run.FirstEntry += dropped;
            run.Count -= dropped;
            run.Bytes -= bytes;
        }

        if (_count == 0 && _runs.Length > KeptRuns)
        {
            _runs = [];
        }
    }

    /// <summary>Whether every frame above a number can be sent again.</summary>
    public bool HoldsAllAbove(long seq)
    {
        if (seq < Floor || seq > LastSeq)
        {
            return false;
        }

        for (int i = 0; i < _count; i++)
        {
            ref readonly SentRun run = ref At(i);
            if (run.FirstSeq + run.Count - 1 > seq && run.OwnTail is null && !run.Job.Holds(run.FirstEntry + Math.Max(0, seq - run.FirstSeq + 1) - 1))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Finds what a number stands for.</summary>
    public SentFrames? Find(long seq)
    {
        int low = 0;
        int high = _count - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            ref readonly SentRun run = ref At(middle);
            if (seq < run.FirstSeq)
            {
                high = middle - 1;
            }
            else if (seq >= run.FirstSeq + run.Count)
            {
                low = middle + 1;
            }
            else
            {
                long skipped = seq - run.FirstSeq;
                return new SentFrames(run.Job, run.FirstEntry + skipped, run.Count - skipped, run.OwnTail);
            }
        }

        return null;
    }

    private ref SentRun At(int index) => ref _runs[(_first + index) & (_runs.Length - 1)];

    private void Add(in SentRun run)
    {
        if (_count > 0 && run.OwnTail is null)
        {
            ref SentRun last = ref At(_count - 1);
            if (last.OwnTail is null && last.Job == run.Job && last.FirstEntry + last.Count == run.FirstEntry)
            {
                last.Count += run.Count;
                last.Bytes += run.Bytes;
                return;
            }
        }

        if (_count == _runs.Length)
        {
            var larger = new SentRun[Math.Max(FirstRuns, _runs.Length * 2)];
            for (int i = 0; i < _count; i++)
            {
                larger[i] = At(i);
            }

            _runs = larger;
            _first = 0;
        }

        _count++;
        At(_count - 1) = run;
    }

    private long Added(long bytes)
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

    private struct SentRun(KnownJob job, long firstSeq, long firstEntry, byte[]? ownTail)
    {
        public KnownJob Job { get; } = job;

        public byte[]? OwnTail { get; } = ownTail;

        public long FirstSeq { get; set; } = firstSeq;

        public long FirstEntry { get; set; } = firstEntry;

        public long Count { get; set; }

        public long Bytes { get; set; }
    }
}

/// <summary>What numbers of a session stand for, from one of them on.</summary>
/// <param name="Job">The job.</param>
/// <param name="Entry">The entry of its log.</param>
/// <param name="Count">How many numbers from this one on are neighbouring entries.</param>
/// <param name="OwnTail">The bytes, when they stand in no log.</param>
internal readonly record struct SentFrames(KnownJob Job, long Entry, long Count, byte[]? OwnTail);
