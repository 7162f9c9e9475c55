using System.Collections.Concurrent;
using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Serialization;
using Arcp.Runtime.Jobs;
using Arcp.Runtime.Time;

namespace Arcp.Runtime.Sessions;

/// <summary>All that a session has to send: control frames, and cursors on the logs of jobs. Outlives connections.</summary>
/// <remarks>
/// Thread-safe. One <see cref="SessionWriter"/> at a time collects from it. Numbers are given while collecting, under the one lock that
/// orders control frames and events: what is queued together with a change to a job is sent before what that change puts into the job's log.
/// Locks are taken in the order outbox, job; a job never calls back with its lock held.
/// </remarks>
internal sealed class SessionOutbox
{
    /// <summary>How many answers that may not have been received are kept to be sent again.</summary>
    private const int MostUnconfirmed = 1_000;

    /// <summary>How many control frames may wait for a client that asks and does not read, and how many bytes of them.</summary>
    private const int MostQueued = 10_000;
    private const long MostQueuedBytes = 16 * 1024 * 1024;

    private readonly Lock _lock = new();
    private readonly byte[] _prefix;
    private readonly Dictionary<JobId, JobCursor> _cursors = [];
    private readonly ConcurrentQueue<JobCursor> _ready = new();
    private readonly SentWindow _window;
    private readonly WakeSignal _wake = new();
    private readonly Queue<(ControlFrame Frame, long AfterSeq)> _unconfirmed = new();
    private Queue<ControlFrame> _control = new();
    private Features _features;
    private ReadOnlyMemory<byte>? _farewell;
    private Func<ReadOnlyMemory<byte>> _slowConsumerFrame = () => default;
    private long _controlBytes;
    private long _replayNext = long.MaxValue;
    private bool _isComplete = true;

    public SessionOutbox(SessionId sessionId, SentWindow window)
    {
        _window = window;
        _prefix = FrameWriter.SequencedPrefix(sessionId);
    }

    /// <summary>How many jobs it reads.</summary>
    public int CursorCount
    {
        get
        {
            lock (_lock)
            {
                return _cursors.Count;
            }
        }
    }

    /// <summary>Whether more control frames wait than a client that reads would ever leave (§4: never unbounded buffering).</summary>
    public bool IsOverfull
    {
        get
        {
            lock (_lock)
            {
                return _control.Count > MostQueued || _controlBytes > MostQueuedBytes;
            }
        }
    }

    /// <summary>Starts to send on a new connection: the welcome, then answers that the client may not have received, then what it has not.</summary>
    /// <param name="welcome">The first frame.</param>
    /// <param name="lastEventSeq">The highest number the client has; null = it has all, which a new session does.</param>
    /// <param name="features">What the session may be sent.</param>
    /// <param name="slowConsumerFrame">Makes the last frame of a connection whose reader is too slow.</param>
    /// <returns>False, and nothing happens, when not all above that number can be sent again.</returns>
    public bool TryBegin(ReadOnlyMemory<byte> welcome, long? lastEventSeq, Features features, Func<ReadOnlyMemory<byte>> slowConsumerFrame)
    {
        lock (_lock)
        {
            if (lastEventSeq is { } seq)
            {
                if (!CanReplayNeedsLock(seq))
                {
                    return false;
                }

                _replayNext = seq < _window.LastSeq ? seq + 1 : long.MaxValue;
            }

            // Frames arrive in order: whoever has a number has all answers that were sent before it.
            var answers = _unconfirmed.Where(answer => answer.AfterSeq >= lastEventSeq).Select(answer => answer.Frame)
                .Concat(_control.Where(frame => frame.OutlivesConnection));
            _control = new([new ControlFrame(welcome, OutlivesConnection: false), .. answers]);
            _controlBytes = _control.Sum(frame => (long)frame.Bytes.Length);
            _unconfirmed.Clear();
            _features = features;
            _slowConsumerFrame = slowConsumerFrame;
            _farewell = null;
            _isComplete = false;
        }

        _wake.Set();
        return true;
    }

    /// <summary>Whether a client that has everything up to a number can go on without a gap.</summary>
    public bool CanReplay(long lastEventSeq)
    {
        lock (_lock)
        {
            return CanReplayNeedsLock(lastEventSeq);
        }
    }

    /// <summary>Queues a control frame.</summary>
    public void Post(ControlFrame frame)
    {
        lock (_lock)
        {
            EnqueueNeedsLock(frame);
        }

        _wake.Set();
    }

    /// <summary>Queues control frames that belong together.</summary>
    public void Post(ReadOnlySpan<ControlFrame> frames)
    {
        lock (_lock)
        {
            foreach (ControlFrame frame in frames)
            {
                EnqueueNeedsLock(frame);
            }
        }

        _wake.Set();
    }

    /// <summary>Does something to a job and queues the answer before anything that it put into the job's log can be sent.</summary>
    /// <param name="act">Acts and makes the answer. Runs under the lock: short, and calls nobody's code.</param>
    public void ActAndPost(Func<ControlFrame> act)
    {
        lock (_lock)
        {
            EnqueueNeedsLock(act());
        }

        _wake.Set();
    }

    /// <summary>Queues a job's acceptance and reads its log from the start behind it (§7.1).</summary>
    public void Open(Job job, ControlFrame accepted)
    {
        var cursor = new JobCursor(job, this, isSubscription: false);
        lock (_lock)
        {
            EnqueueNeedsLock(accepted);
            _cursors[job.Spec.Id] = cursor;
            job.Attach(cursor);
        }

        cursor.OnAppended();
    }

    /// <summary>Subscribes to a job (§7.6): queues the answer and reads the log behind it.</summary>
    /// <param name="job">The job.</param>
    /// <param name="choosePosition">Where to start, given the job at this moment; null = not at all. Not asked when the session reads the job already.</param>
    /// <param name="makeAnswer">Makes the answer from the job at this moment and the start; null = the session reads the job already.</param>
    public void Subscribe(Job job, Func<JobSnapshot, long?> choosePosition, Func<JobSnapshot, long?, ControlFrame> makeAnswer)
    {
        JobCursor? opened = null;
        lock (_lock)
        {
            if (_cursors.ContainsKey(job.Spec.Id))
            {
                EnqueueNeedsLock(makeAnswer(job.Snapshot(), null));
            }
            else
            {
                var cursor = new JobCursor(job, this, isSubscription: true);
                JobSnapshot snapshot = job.Attach(cursor);
                if (choosePosition(snapshot) is { } position)
                {
                    cursor.Position = position;
                    _cursors[job.Spec.Id] = cursor;
                    EnqueueNeedsLock(makeAnswer(snapshot, position));
                    opened = cursor;
                }
                else
                {
                    job.Detach(cursor);
                }
            }
        }

        opened?.OnAppended();
        _wake.Set();
    }

    /// <summary>Ends a subscription; the stream of a job that the session submitted goes on.</summary>
    public void Unsubscribe(JobId jobId)
    {
        lock (_lock)
        {
            if (_cursors.TryGetValue(jobId, out JobCursor? cursor) && cursor.IsSubscription)
            {
                RemoveNeedsLock(cursor);
            }
        }
    }

    /// <summary>Lets go of frames that the client has processed (§6.5). Numbers that were not sent on this connection are ignored.</summary>
    public void Acknowledge(long upTo)
    {
        lock (_lock)
        {
            if (upTo > _window.Floor && upTo <= HighestSentNeedsLock())
            {
                _window.Release(upTo);
                ForgetConfirmedNeedsLock();
            }
        }
    }

    /// <summary>Ends the connection's sending: what is queued is sent, then a last frame, and no event any more.</summary>
    public void Complete(ReadOnlyMemory<byte>? lastFrame = null)
    {
        lock (_lock)
        {
            if (_isComplete)
            {
                return;
            }

            if (lastFrame is { } frame)
            {
                EnqueueNeedsLock(new ControlFrame(frame, OutlivesConnection: false));
            }

            _isComplete = true;
        }

        _wake.Set();
    }

    /// <summary>Ends the connection's sending when all that the jobs' logs hold now has been sent.</summary>
    /// <param name="lastFrame">The last frame.</param>
    public void CompleteWhenDrained(ReadOnlyMemory<byte> lastFrame)
    {
        lock (_lock)
        {
            _farewell ??= lastFrame;
        }

        _wake.Set();
    }

    /// <summary>Stops reading all jobs: the session is gone.</summary>
    public void Close()
    {
        lock (_lock)
        {
            foreach (JobCursor cursor in _cursors.Values.ToArray())
            {
                RemoveNeedsLock(cursor);
            }

            _control.Clear();
            _controlBytes = 0;
            _unconfirmed.Clear();
        }
    }

    /// <summary>Collects what is to be sent next.</summary>
    /// <returns>False when the connection's sending is over and the batch holds the rest.</returns>
    public bool Collect(FrameBatch batch)
    {
        lock (_lock)
        {
            CollectControlNeedsLock(batch);
            if (!_isComplete && !batch.IsFull && !(CollectReplayNeedsLock(batch) && CollectLiveNeedsLock(batch)))
            {
                EnqueueNeedsLock(new ControlFrame(_slowConsumerFrame(), OutlivesConnection: false));
                _isComplete = true;
            }

            if (!_isComplete && batch.Count == 0 && _farewell is { } farewell)
            {
                batch.Add(farewell);
                _isComplete = true;
            }

            return !_isComplete || _control.Count > 0;
        }
    }

    /// <summary>Waits until there may be something to collect.</summary>
    public ValueTask WaitAsync() => _wake.WaitAsync();

    /// <summary>Called by a cursor whose job's log has grown.</summary>
    public void OnReady(JobCursor cursor)
    {
        _ready.Enqueue(cursor);
        _wake.Set();
    }

    private void EnqueueNeedsLock(ControlFrame frame)
    {
        _control.Enqueue(frame);
        _controlBytes += frame.Bytes.Length;
    }

    private void CollectControlNeedsLock(FrameBatch batch)
    {
        while (!batch.IsFull && _control.TryDequeue(out ControlFrame frame))
        {
            batch.Add(frame.Bytes);
            _controlBytes -= frame.Bytes.Length;
            if (frame.OutlivesConnection)
            {
                _unconfirmed.Enqueue((frame, HighestSentNeedsLock()));
                ForgetConfirmedNeedsLock();
            }
        }
    }

    // A client that resumes has everything up to the window's floor, and so the answers that were sent before that.
    private void ForgetConfirmedNeedsLock()
    {
        while (_unconfirmed.TryPeek(out var oldest) && (oldest.AfterSeq < _window.Floor || _unconfirmed.Count > MostUnconfirmed))
        {
            _unconfirmed.Dequeue();
        }
    }

    private long HighestSentNeedsLock() => Math.Min(_replayNext - 1, _window.LastSeq);

    // Both collectors return false when what has to be sent next is no longer held.
    private bool CollectReplayNeedsLock(FrameBatch batch)
    {
        while (!batch.IsFull && _replayNext <= _window.LastSeq)
        {
            if (_window.Find(_replayNext) is not ({ } job, var entry, var count))
            {
                return false;
            }

            long position = entry - 1;
            var sink = new ReplaySink(this, batch, count);
            if (job.ReadLog(ref position, ref sink) is LogReadStatus.Gone)
            {
                return false;
            }
        }

        if (_replayNext > _window.LastSeq)
        {
            _replayNext = long.MaxValue;
        }

        return true;
    }

    private bool CollectLiveNeedsLock(FrameBatch batch)
    {
        // While frames are replayed no new number is given: wire order is number order (§8.3).
        while (_replayNext == long.MaxValue && !batch.IsFull && _ready.TryDequeue(out JobCursor? cursor))
        {
            cursor.ClearReady();
            if (!_cursors.TryGetValue(cursor.Job.Spec.Id, out JobCursor? current) || current != cursor)
            {
                continue; // closed since it became ready
            }

            var sink = new LiveSink(this, batch, cursor.Job);
            long position = cursor.Position;
            LogReadStatus status = cursor.Job.ReadLog(ref position, ref sink);
            cursor.Position = position;
            switch (status)
            {
                case LogReadStatus.Gone:
                    return false;
                case LogReadStatus.More:
                    cursor.OnAppended();
                    break;
                default:
                    if (sink.SawTerminal)
                    {
                        RemoveNeedsLock(cursor);
                    }

                    break;
            }
        }

        return true;
    }

    private bool CanReplayNeedsLock(long lastEventSeq) =>
        _window.HoldsAllAbove(lastEventSeq) && _cursors.Values.All(cursor => cursor.Job.Holds(cursor.Position));

    private void RemoveNeedsLock(JobCursor cursor)
    {
        _cursors.Remove(cursor.Job.Spec.Id);
        cursor.Job.Detach(cursor);
    }

    /// <summary>Numbers new entries.</summary>
    private struct LiveSink(SessionOutbox outbox, FrameBatch batch, Job job) : ILogSink
    {
        /// <summary>How much one job may put into a batch before the others have their turn.</summary>
        private const int Quantum = 16 * 1024;

        private int _taken;

        public bool SawTerminal { get; private set; }

        public bool Accept(long number, in LogEntry entry)
        {
            if ((entry.Required & ~outbox._features) != 0)
            {
                return true; // a kind that this session has not negotiated (§6.2); it takes no number
            }

            int length = outbox._prefix.Length + entry.Length;
            FrameWriter.WriteSequenced(batch.Output, outbox._prefix, outbox._window.Add(job, number, length), entry.Tail);
            batch.EndFrame();
            SawTerminal |= entry.IsTerminal;
            _taken += length;
            return _taken < Quantum && !batch.IsFull;
        }
    }

    /// <summary>Sends numbered entries again.</summary>
    private struct ReplaySink(SessionOutbox outbox, FrameBatch batch, long count) : ILogSink
    {
        private long _left = count;

        public bool Accept(long number, in LogEntry entry)
        {
            FrameWriter.WriteSequenced(batch.Output, outbox._prefix, outbox._replayNext++, entry.Tail);
            batch.EndFrame();
            return --_left > 0 && !batch.IsFull;
        }
    }
}
