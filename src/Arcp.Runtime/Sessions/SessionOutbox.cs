using System.Collections.Concurrent;
using Arcp.Core;
using Arcp.Core.Events;
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
    private const int MaxQueuedAnswers = 10_000;

    private readonly Lock _lock = new();
    private readonly byte[] _prefix;
    private readonly Dictionary<JobId, JobCursor> _cursors = [];
    private readonly ConcurrentQueue<JobCursor> _ready = new();
    private readonly SentWindow _window;
    private readonly AckLag _lag;
    private readonly WakeSignal _wake = new();
    private readonly List<ControlFrame> _unconfirmed = [];
    private Queue<ControlFrame> _control = new();
    private ReadOnlyMemory<byte>? _farewell;
    private OutboxConnection? _connection;
    private int _subscriptions;
    private long _replayNext = long.MaxValue;
    private bool _isComplete = true;

    public SessionOutbox(SessionId sessionId, SentWindow window, AckLag lag)
    {
        _window = window;
        _lag = lag;
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

    /// <summary>Whether the peer asks far more than it reads: more answers wait than anybody needs.</summary>
    public bool IsFlooded
    {
        get
        {
            lock (_lock)
            {
                return _control.Count > MaxQueuedAnswers;
            }
        }
    }

    /// <summary>Starts to send on a new connection: the welcome, then answers that the last connection did not carry, then what was not received.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="lastEventSeq">The highest number the client has; null = it has all, which a new session does.</param>
    /// <returns>False, and nothing happens, when not all above that number can be sent again.</returns>
    public bool TryBegin(OutboxConnection connection, long? lastEventSeq)
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

            KeepAnswersNeedsLock();
            _control = new([new ControlFrame(connection.Welcome, OutlivesConnection: false), .. _control]);
            _connection = connection;
            _farewell = null;
            _isComplete = false;
            HoldBackNeedsLock(true);
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
            _control.Enqueue(frame);
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
                _control.Enqueue(frame);
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
            _control.Enqueue(act());
        }

        _wake.Set();
    }

    /// <summary>Queues a job's acceptance and reads its log from the start behind it (§7.1).</summary>
    public void Open(Job job, ControlFrame accepted)
    {
        var cursor = new JobCursor(job, this, isSubscription: false);
        lock (_lock)
        {
            _control.Enqueue(accepted);
            _cursors[job.Spec.Id] = cursor;
            job.Attach(cursor);
            job.SetHoldsBack(cursor, _connection is not null);
        }

        cursor.OnAppended();
    }

    /// <summary>Subscribes to a job (§7.6): queues the answer and reads the log behind it.</summary>
    /// <param name="job">The job.</param>
    /// <param name="limit">How many subscriptions the session may have.</param>
    /// <param name="choosePosition">Where to start, given the job at this moment. Not asked when the session reads the job already.</param>
    /// <param name="makeAnswer">Makes the answer from the job at this moment and the start; null = the session reads the job already.</param>
    /// <returns>False, and nothing happens, when the limit is reached.</returns>
    public bool TrySubscribe(Job job, int limit, Func<JobSnapshot, long> choosePosition, Func<JobSnapshot, long?, ControlFrame> makeAnswer)
    {
        JobCursor? opened = null;
        lock (_lock)
        {
            if (_cursors.ContainsKey(job.Spec.Id))
            {
                _control.Enqueue(makeAnswer(job.Snapshot(), null));
            }
            else if (_subscriptions >= limit)
            {
                return false;
            }
            else
            {
                opened = new JobCursor(job, this, isSubscription: true);
                JobSnapshot snapshot = job.Attach(opened);
                opened.Position = choosePosition(snapshot);
                _control.Enqueue(makeAnswer(snapshot, opened.Position));
                _cursors.Add(job.Spec.Id, opened);
                _subscriptions++;
            }
        }

        opened?.OnAppended();
        _wake.Set();
        return true;
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
            long highestSent = Math.Min(_replayNext - 1, _window.LastSeq);
            if (upTo <= highestSent && _lag.Acknowledge(upTo, _window.LastSeq))
            {
                _window.Release(upTo);
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
                _control.Enqueue(new ControlFrame(frame, OutlivesConnection: false));
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

    /// <summary>The connection is gone; frames that were only for it are dropped.</summary>
    public void Disconnect()
    {
        lock (_lock)
        {
            KeepAnswersNeedsLock();
            HoldBackNeedsLock(false);
            _connection = null;
        }
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
        }
    }

    /// <summary>Collects what is to be sent next. What the last call gave counts as sent.</summary>
    /// <returns>False when the connection's sending is over and nothing is left.</returns>
    public bool Collect(FrameBatch batch)
    {
        lock (_lock)
        {
            _unconfirmed.Clear();
            CollectControlNeedsLock(batch);
            if (!_isComplete && !batch.IsFull && !(CollectReplayNeedsLock(batch) && CollectLiveNeedsLock(batch)))
            {
                _control.Enqueue(new ControlFrame(_connection!.SlowConsumerFrame(), OutlivesConnection: false));
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

    /// <summary>Called by a cursor that has held its job's agent back for too long.</summary>
    public void OnStalled()
    {
        OutboxConnection? connection;
        lock (_lock)
        {
            connection = _connection;
        }

        connection?.OnStalled();
    }

    private void CollectControlNeedsLock(FrameBatch batch)
    {
        while (!batch.IsFull && _control.TryDequeue(out ControlFrame frame))
        {
            batch.Add(frame.Bytes);
            _unconfirmed.Add(frame);
        }
    }

    // Both collectors return false when what has to be sent next is no longer held.
    private bool CollectReplayNeedsLock(FrameBatch batch)
    {
        while (!batch.IsFull && _replayNext <= _window.LastSeq)
        {
            if (_window.Find(_replayNext) is not { } sent)
            {
                return false;
            }

            if (sent.OwnTail is { } tail)
            {
                Write(batch, _replayNext++, tail);
                continue;
            }

            long position = sent.Entry - 1;
            var sink = new ReplaySink(this, batch, sent.Count);
            if (sent.Job.ReadLog(ref position, ref sink) is LogReadStatus.Gone)
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
            switch (cursor.Job.ReadLog(cursor, ref sink))
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

    // What the last batch held may not have been sent.
    private void KeepAnswersNeedsLock()
    {
        _control = new(_unconfirmed.Concat(_control).Where(frame => frame.OutlivesConnection));
        _unconfirmed.Clear();
    }

    private bool CanReplayNeedsLock(long lastEventSeq) =>
        _window.HoldsAllAbove(lastEventSeq) && _cursors.Values.All(cursor => cursor.Job.Holds(cursor));

    // A submitter that is connected slows its agents; one that is away never does.
    private void HoldBackNeedsLock(bool holdsBack)
    {
        foreach (JobCursor cursor in _cursors.Values.Where(cursor => !cursor.IsSubscription))
        {
            cursor.Job.SetHoldsBack(cursor, holdsBack);
        }
    }

    private void Write(FrameBatch batch, long seq, ReadOnlySpan<byte> tail)
    {
        FrameWriter.WriteSequenced(batch.Output, _prefix, seq, tail);
        batch.EndNumbered();
    }

    private void RemoveNeedsLock(JobCursor cursor)
    {
        _cursors.Remove(cursor.Job.Spec.Id);
        _subscriptions -= cursor.IsSubscription ? 1 : 0;
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
            if ((entry.Required & ~outbox._connection!.Features) != 0)
            {
                return true; // a kind that this session has not negotiated (§6.2); it takes no number
            }

            if (outbox._connection.Features.HasFlag(Features.Ack) && outbox._lag.IsDue(outbox._window.LastSeq))
            {
                byte[] warning = job.WriteOwnTail(new StatusEvent { Phase = "back_pressure", Message = "Acknowledgements are far behind." });
                outbox.Write(batch, outbox._window.AddOwn(job, warning), warning);
            }

            int length = outbox._prefix.Length + entry.Length;
            outbox.Write(batch, outbox._window.Add(job, number, length), entry.Tail);
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
            outbox.Write(batch, outbox._replayNext++, entry.Tail);
            return --_left > 0 && !batch.IsFull;
        }
    }
}
