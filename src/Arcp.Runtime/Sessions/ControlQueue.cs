namespace Arcp.Runtime.Sessions;

/// <summary>The frames without a number that a session has to send, in order.</summary>
/// <remarks>Needs the outbox's lock.</remarks>
internal sealed class ControlQueue
{
    /// <summary>How many frames may wait for a client that asks and does not read, and how many bytes of them.</summary>
    private const int MaxWaiting = 10_000;
    private const long MaxWaitingBytes = 16 * 1024 * 1024;

    /// <summary>How many frames are kept until they were received.</summary>
    private const int MaxKept = 1_000;

    private readonly List<CollectedAnswer> _collected = [];
    private Queue<WaitingFrame> _waiting = new();
    private long _waitingBytes;
    private bool _hasAnswers; // whether one of them was only to outlive the connection until it was sent

    /// <summary>Whether anything waits to be sent.</summary>
    public bool IsEmpty => _waiting.Count == 0;

    /// <summary>Whether more waits than a client that reads would ever leave (§4: never unbounded buffering).</summary>
    public bool IsOverfull => _waiting.Count > MaxWaiting || _waitingBytes > MaxWaitingBytes;

    /// <summary>What the first frame that waits for a commit waits for; null = none does.</summary>
    public long? FirstUncommitted { get; private set; }

    /// <summary>Adds a frame.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="mark">What has to be committed before it is sent.</param>
    public void Add(ControlFrame frame, long mark)
    {
        _waiting.Enqueue(new WaitingFrame(frame, frame.IsCommitted ? 0 : mark));
        _waitingBytes += frame.Bytes.Length;
    }

    /// <summary>Collects what waits for nothing. What the last call gave has been sent.</summary>
    /// <param name="batch">Where to.</param>
    /// <param name="committed">What is committed. Frames that wait for more are overtaken by others.</param>
    /// <param name="highestSent">The highest number sent before.</param>
    /// <param name="floor">The highest number that cannot be asked for again.</param>
    /// <param name="mayBeLast">Whether a frame may be sent that no event comes behind.</param>
    public void Collect(FrameBatch batch, long committed, long highestSent, long floor, bool mayBeLast)
    {
        if (_hasAnswers || (_collected.Count > 0 && _collected[0].AfterSeq < floor))
        {
            DropReceived(floor);
        }

        FirstUncommitted = null;
        bool isTurning = false; // a frame stays: all are gone through, so that those that stay keep their order
        for (int left = _waiting.Count; left > 0 && (isTurning || !batch.IsFull); left--)
        {
            WaitingFrame next = _waiting.Dequeue();
            bool isUncommitted = next.Mark > committed;
            if (isUncommitted || batch.IsFull || (next.Frame.IsLast && !mayBeLast))
            {
                FirstUncommitted ??= isUncommitted ? next.Mark : null;
                _waiting.Enqueue(next);
                isTurning = true;
                continue;
            }

            _waitingBytes -= next.Frame.Bytes.Length;
            batch.Add(next.Frame.Bytes);
            if (next.Frame.OutlivesConnection)
            {
                _collected.Add(new CollectedAnswer(next.Frame, highestSent));
                _hasAnswers |= !next.Frame.UntilReceived;
            }
        }

        _collected.RemoveRange(0, Math.Max(0, _collected.Count - MaxKept));
    }

    /// <summary>Remembers an answer that an earlier run has sent, perhaps.</summary>
    /// <param name="frame">The answer.</param>
    /// <param name="afterSeq">The highest number that was sent before it.</param>
    public void Restore(ControlFrame frame, long afterSeq) => _collected.Add(new CollectedAnswer(frame, afterSeq));

    /// <summary>Begins a connection: the first frame, then the answers that its client may not have.</summary>
    /// <param name="first">The first frame.</param>
    /// <param name="lastEventSeq">The highest number the client has; null = the session is new.</param>
    public void Restart(ControlFrame first, long? lastEventSeq)
    {
        // Frames arrive in order: whoever has a number has all that was sent before it.
        IEnumerable<WaitingFrame> again = _collected.Where(answer => answer.AfterSeq >= lastEventSeq).Select(answer => new WaitingFrame(answer.Frame, 0));
        Replace([new WaitingFrame(first, 0), .. again, .. _waiting]);
        _collected.Clear();
    }

    /// <summary>Ends a connection: what was only for it is dropped.</summary>
    public void Disconnect() => Replace([.. _waiting.Where(waiting => waiting.Frame.OutlivesConnection)]);

    public void Clear()
    {
        Replace([]);
        _collected.Clear();
    }

    // Who resumes has everything up to the floor, and so all that was sent before it. Later answers have higher numbers before them, so the first one tells whether there is anything to drop.
    private void DropReceived(long floor)
    {
        _collected.RemoveAll(answer => !answer.Frame.UntilReceived || answer.AfterSeq < floor);
        _hasAnswers = false;
    }

    private void Replace(WaitingFrame[] frames)
    {
        _waiting = new(frames);
        _waitingBytes = frames.Sum(static waiting => (long)waiting.Frame.Bytes.Length);
    }

    private readonly record struct WaitingFrame(ControlFrame Frame, long Mark);

    private readonly record struct CollectedAnswer(ControlFrame Frame, long AfterSeq);
}
