using System.Collections.Immutable;
using Arcp.Core.Ids;
using Arcp.Core.Transports;
using Arcp.Runtime.Storage;

namespace Arcp.Runtime.Jobs;

/// <summary>A job's log and those who read it: what sessions see of a job's stream.</summary>
/// <remarks>Thread-safe, under the one lock of its job. Members that say so need that lock already.</remarks>
internal sealed class JobFeed(JobId jobId, JobLimits limits, JobLog log, Lock jobLock)
{
    private readonly Lock _lock = jobLock;
    private JobLog _log = log;
    private JobReaders _readers = new();

    /// <summary>The number of the log's last entry. Needs the lock.</summary>
    public long LengthNeedsLock => _log.Length;

    /// <summary>Adds a reader, who hears of everything that is appended from now on. Needs the lock.</summary>
    public void AddNeedsLock(JobReader reader, bool holdsBack) => _readers.Add(reader, holdsBack);

    /// <summary>Appends an entry. Needs the lock.</summary>
    /// <param name="entry">The entry.</param>
    /// <param name="also">What the runtime's store, if there is one, has to keep together with it.</param>
    /// <returns>Who is to be told, without the lock.</returns>
    public ImmutableArray<JobReader> AppendNeedsLock(in NewEntry entry, params ReadOnlySpan<StoreChange> also)
    {
        LogEntry held = _log.Append(entry, _readers.FirstUnread);
        limits.Store?.Append(jobId, _log.Length, held, entry.Sealed, also);
        return _readers.All;
    }

    /// <summary>The last entry is there: puts it all behind what is in a buffer, if that has room for it. Needs the lock.</summary>
    /// <param name="output">The buffer.</param>
    /// <param name="limit">How much may be in it.</param>
    public bool TryPackNeedsLock(FrameBuffer output, int limit)
    {
        if (output.Length + _log.Bytes > limit)
        {
            return false;
        }

        _log.Pack(output);
        return output.Length <= limit;
    }

    /// <summary>When nobody reads it: gives up what is in the archive. Needs the lock.</summary>
    public void LetGoIfUnreadNeedsLock(PackedJob packed)
    {
        if (_readers.All.IsEmpty)
        {
            _log.LetGo(packed);
        }
    }

    /// <summary>The last entry is there: gives up room that is not used. Needs the lock.</summary>
    public void TrimNeedsLock() => _log.Trim();

    /// <summary>Whether an append has to wait for those who hold back, or for the runtime's store. Needs the lock.</summary>
    /// <param name="bytes">What is to be appended.</param>
    /// <param name="space">Ends when it may be tried again.</param>
    public bool MustWaitNeedsLock(int bytes, out Task? space)
    {
        space = _log.IsFullFor(bytes) && _readers.HoldBack(_log.Evicted) ? _readers.WaitForSpace()
            : limits.Store is { IsFull: true } store ? store.WhenRoomAsync()
            : null;
        return space is not null;
    }

    /// <summary>Removes a reader.</summary>
    /// <param name="reader">The reader.</param>
    /// <param name="known">What stands for the job: when it is packed and nobody reads it any more, the log gives up what is in the archive.</param>
    public void Remove(JobReader reader, KnownJob known)
    {
        TaskCompletionSource? space;
        lock (_lock)
        {
            _readers.Remove(reader);
            space = _readers.TakeSpace(_log.Evicted);
            if (known.Packed is { } packed)
            {
                LetGoIfUnreadNeedsLock(packed);
            }
        }

        space?.SetResult();
    }

    /// <summary>Says whether a reader slows the agent when he does not keep up.</summary>
    public void SetHoldsBack(JobReader reader, bool holdsBack)
    {
        TaskCompletionSource? space;
        lock (_lock)
        {
            _readers.SetHoldsBack(reader, holdsBack);
            space = _readers.TakeSpace(_log.Evicted);
        }

        space?.SetResult();
    }

    /// <summary>Lets nobody hold back any more who does so now, and tells them.</summary>
    public void ReleaseStalled()
    {
        IReadOnlyList<JobReader> stalled;
        lock (_lock)
        {
            stalled = _readers.ReleaseStalled(_log.Evicted);
        }

        foreach (JobReader reader in stalled)
        {
            reader.OnStalled();
        }
    }

    /// <summary>Reads on for a reader; see <see cref="JobLog.Read"/>.</summary>
    public LogReadStatus Read<TSink>(JobReader reader, ref TSink sink)
        where TSink : struct, ILogSink
    {
        LogReadStatus status;
        TaskCompletionSource? space;
        lock (_lock)
        {
            long position = reader.Position;
            status = ReadNeedsLock(reader.Page, ref position, ref sink);
            reader.Position = position;
            reader.Page = status is LogReadStatus.Away ? null : reader.Page;
            space = _readers.TakeSpace(_log.Evicted);
        }

        space?.SetResult();
        return status;
    }

    /// <summary>Reads from any position; see <see cref="JobLog.Read"/>.</summary>
    public LogReadStatus Read<TSink>(LogPage? page, ref long position, ref TSink sink)
        where TSink : struct, ILogSink
    {
        lock (_lock)
        {
            return ReadNeedsLock(page, ref position, ref sink);
        }
    }

    /// <summary>Reads what is <see cref="LogReadStatus.Away"/> from the runtime's store, for a reader.</summary>
    public async Task FetchAsync(JobReader reader, CancellationToken cancellationToken)
    {
        LogPage page = await FetchAsync(PositionOf(reader), cancellationToken).ConfigureAwait(false);
        lock (_lock)
        {
            reader.Page = page;
        }
    }

    /// <summary>Reads what is <see cref="LogReadStatus.Away"/> behind a position from the runtime's store.</summary>
    public Task<LogPage> FetchAsync(long position, CancellationToken cancellationToken) => limits.Store!.ReadAsync(jobId, position, cancellationToken);

    /// <summary>The number of the last entry that a reader has read.</summary>
    public long PositionOf(JobReader reader)
    {
        lock (_lock)
        {
            return reader.Position;
        }
    }

    /// <summary>Whether all entries behind a position are still held.</summary>
    public bool Holds(long position)
    {
        lock (_lock)
        {
            return HoldsNeedsLock(position);
        }
    }

    /// <summary>Whether all entries behind what a reader has read are still held.</summary>
    public bool Holds(JobReader reader)
    {
        lock (_lock)
        {
            return HoldsNeedsLock(reader.Position);
        }
    }

    /// <summary>The job is forgotten: its log no longer counts against the runtime's memory.</summary>
    public void Release()
    {
        lock (_lock)
        {
            _log.Release();
        }
    }

    private bool HoldsNeedsLock(long position) => position >= _log.Evicted || limits.Store is not null;

    private LogReadStatus ReadNeedsLock<TSink>(LogPage? page, ref long position, ref TSink sink)
        where TSink : struct, ILogSink
    {
        if (page is not null && page.Continues(jobId, position))
        {
            page.Read(ref position, ref sink);
            return position < _log.Length ? LogReadStatus.More : LogReadStatus.CaughtUp;
        }

        LogReadStatus status = _log.Read(ref position, ref sink);
        return status is LogReadStatus.Gone && limits.Store is not null ? LogReadStatus.Away : status;
    }
}
