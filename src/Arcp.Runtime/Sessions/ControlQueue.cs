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
    private Queue<ControlFrame> _waiting = new();
    private long _waitingBytes;

    /// <summary>Whether anything waits to be sent.</summary>
    public bool IsEmpty => _waiting.Count == 0;

    /// <summary>Whether more waits than a client that reads would ever leave (§4: never unbounded buffering).</summary>
    public bool IsOverfull => _waiting.Count > MaxWaiting || _waitingBytes > MaxWaitingBytes;

    public void Add(ControlFrame frame)
    {
        _waiting.Enqueue(frame);
        _waitingBytes += frame.Bytes.Length;
    }

    /// <summary>Collects what waits. What the last call gave has been sent.</summary>
    /// <param name="batch">Where to.</param>
    /// <param name="highestSent">The highest number sent before.</param>
    /// <param name="floor">The highest number that cannot be asked for again.</param>
    public void Collect(FrameBatch batch, long highestSent, long floor)
    {
        // Who resumes has everything up to the floor, and so all that was sent before it.
        _collected.RemoveAll(answer => !answer.Frame.UntilReceived || answer.AfterSeq < floor);
        while (!batch.IsFull && _waiting.TryDequeue(out ControlFrame frame))
        {
            _waitingBytes -= frame.Bytes.Length;
            batch.Add(frame.Bytes);
            if (frame.OutlivesConnection)
            {
                _collected.Add(new CollectedAnswer(frame, highestSent));
            }
        }

        _collected.RemoveRange(0, Math.Max(0, _collected.Count - MaxKept));
    }

    /// <summary>Begins a connection: the first frame, then the answers that its client may not have.</summary>
    /// <param name="first">The first frame.</param>
    /// <param name="lastEventSeq">The highest number the client has; null = the session is new.</param>
    public void Restart(ControlFrame first, long? lastEventSeq)
    {
        // Frames arrive in order: whoever has a number has all that was sent before it.
        IEnumerable<ControlFrame> again = _collected.Where(answer => answer.AfterSeq >= lastEventSeq).Select(answer => answer.Frame);
        Replace([first, .. again, .. _waiting]);
        _collected.Clear();
    }

    /// <summary>Ends a connection: what was only for it is dropped.</summary>
    public void Disconnect() => Replace([.. _waiting.Where(frame => frame.OutlivesConnection)]);

    public void Clear()
    {
        Replace([]);
        _collected.Clear();
    }

    private void Replace(ControlFrame[] frames)
    {
        _waiting = new(frames);
        _waitingBytes = frames.Sum(static frame => (long)frame.Bytes.Length);
    }

    private readonly record struct CollectedAnswer(ControlFrame Frame, long AfterSeq);
}
