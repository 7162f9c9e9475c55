using Arcp.Core.Ids;
using Arcp.Runtime.Storage;

namespace Arcp.Runtime.Sessions;

/// <summary>Gathers the numbers that a session gives, for the runtime's store.</summary>
/// <remarks>Needs the outbox's lock.</remarks>
internal sealed class SentFrameLog(SessionStore store, long floor = 0)
{
    private List<StoredFrames>? _frames; // none without a store
    private long _keptFloor = floor;

    /// <summary>Neighbouring log entries were given the next numbers.</summary>
    public void Add(long seq, JobId jobId, long entry, int count, long bytes)
    {
        if (!store.IsDurable)
        {
            return;
        }

        _frames ??= [];
        if (_frames.Count > 0 && _frames[^1] is var last && last.OwnTail.IsEmpty && last.JobId == jobId && last.FirstEntry + last.Count == entry)
        {
            _frames[^1] = last with { Count = last.Count + count, Size = last.Size + bytes };
        }
        else
        {
            _frames.Add(new StoredFrames(seq, count, jobId, entry, bytes, default));
        }
    }

    /// <summary>A frame that stands in no log was given the next number.</summary>
    public void AddOwn(long seq, JobId jobId, byte[] tail)
    {
        if (store.IsDurable)
        {
            (_frames ??= []).Add(new StoredFrames(seq, 1, jobId, 0, tail.Length, tail));
        }
    }

    /// <summary>Keeps what was gathered.</summary>
    /// <param name="closed">The jobs that were read to their end by it.</param>
    public void Keep(IReadOnlyList<JobId> closed)
    {
        store.AppendSent(_frames ?? (IReadOnlyList<StoredFrames>)[], closed);
        _frames = _frames is { Count: 0 } ? _frames : null;
    }

    /// <summary>Keeps how far frames cannot be asked for any more.</summary>
    public void KeepFloor(long floor)
    {
        if (floor > _keptFloor)
        {
            _keptFloor = floor;
            store.AppendReleased(floor);
        }
    }
}
