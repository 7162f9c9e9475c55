using Arcp.Runtime.Time;

namespace Arcp.Runtime.Storage;

/// <summary>The changes that are not committed yet, in order, and how far those have come that are.</summary>
/// <remarks>Thread-safe for all who append; one party takes and commits.</remarks>
internal sealed class CommitQueue
{
    /// <summary>The position of what is never committed.</summary>
    public const long Never = long.MaxValue;

    private readonly Lock _lock = new();
    private readonly WakeSignal _work = new();
    private List<StoreChange> _pending = [];
    private List<StoreChange> _spare = [];
    private long _pendingBytes;
    private long _takenBytes;
    private long _position;
    private long _taken;
    private long _committed;
    private bool _isFailing;
    private bool _isClosed;
    private TaskCompletionSource _progress = NewSignal();

    /// <summary>The position of the last change that was appended.</summary>
    public long Position => Volatile.Read(ref _position);

    /// <summary>The position of the last change that is committed.</summary>
    public long Committed => Volatile.Read(ref _committed);

    /// <summary>The bytes that are not committed yet, about.</summary>
    public long UncommittedBytes => Volatile.Read(ref _pendingBytes) + Volatile.Read(ref _takenBytes);

    /// <summary>Whether the last attempt to commit has failed.</summary>
    public bool IsFailing => Volatile.Read(ref _isFailing);

    /// <summary>Ends when an attempt to commit has ended.</summary>
    public Task Progress
    {
        get
        {
            lock (_lock)
            {
                return _progress.Task;
            }
        }
    }

    /// <summary>Appends changes, which are taken together. Once it is closed they are dropped.</summary>
    /// <returns>Their position; <see cref="Never"/> when they are dropped.</returns>
    public long Append(ReadOnlySpan<StoreChange> changes)
    {
        long position;
        lock (_lock)
        {
            if (_isClosed)
            {
                return Never;
            }

            foreach (StoreChange change in changes)
            {
                _pending.Add(change);
                _pendingBytes += SizeOf(change);
            }

            position = _position += changes.Length;
        }

        _work.Set();
        return position;
    }

    /// <summary>Takes nothing any more but what is there.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _isClosed = true;
        }

        _work.Set();
    }

    /// <summary>Ends when there may be something to take, or it was closed.</summary>
    public ValueTask WaitAsync() => _work.WaitAsync();

    /// <summary>Takes all there is.</summary>
    /// <param name="isClosed">Whether nothing will come any more.</param>
    public List<StoreChange> Take(out bool isClosed)
    {
        lock (_lock)
        {
            List<StoreChange> batch = _pending;
            _pending = _spare;
            _takenBytes = _pendingBytes;
            _pendingBytes = 0;
            _taken = _position;
            isClosed = _isClosed;
            return batch;
        }
    }

    /// <summary>Takes what has come since, behind what was taken.</summary>
    public void TakeMore(List<StoreChange> batch)
    {
        lock (_lock)
        {
            batch.AddRange(_pending);
            _pending.Clear();
            _takenBytes += _pendingBytes;
            _pendingBytes = 0;
            _taken = _position;
        }
    }

    /// <summary>Gives an empty list back, to be filled again.</summary>
    public void Return(List<StoreChange> batch)
    {
        batch.Clear();
        _spare = batch;
    }

    /// <summary>An attempt to commit what was taken has ended.</summary>
    public void EndAttempt(bool succeeded)
    {
        TaskCompletionSource progress;
        lock (_lock)
        {
            if (succeeded)
            {
                _committed = _taken;
                _takenBytes = 0;
            }

            _isFailing = !succeeded;
            progress = _progress;
            _progress = NewSignal();
        }

        progress.SetResult();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static long SizeOf(StoreChange change)
    {
        const int overhead = 100;
        return overhead + change switch
        {
            StoreChange.EntryAppended { Entry: var entry } => entry.Bytes.Length + entry.Secret.Length,
            StoreChange.JobAdded { Added: var job } => job.Acceptance.Length,
            StoreChange.AnswerKept { Answer: var answer } => answer.Payload.Length,
            _ => 0,
        };
    }
}
