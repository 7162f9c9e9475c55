using Arcp.Core.Ids;
using Arcp.Runtime.Jobs;
using Arcp.Runtime.Time;

namespace Arcp.Runtime.Sessions;

/// <summary>All that a session has to send: control frames, and cursors on the logs of jobs. Outlives connections.</summary>
/// <remarks>
/// Thread-safe. One <see cref="SessionWriter"/> at a time collects from it. Numbers are given while collecting, under the one lock that
/// orders control frames and events: what is queued together with a change to a job is sent before what that change puts into the job's log.
/// Locks are taken in the order outbox, job; a job never calls back with its lock held.
/// </remarks>
internal sealed class SessionOutbox(SessionSequence sequence)
{
    private readonly Lock _lock = new();
    private readonly CursorSet _cursors = new();
    private readonly SessionSequence _sequence = sequence;
    private readonly WakeSignal _wake = new();
    private readonly ControlQueue _control = new();
    private ReadOnlyMemory<byte>? _farewell;
    private OutboxConnection? _connection;
    private bool _isComplete = true;
    private bool _isClosed;

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

    /// <summary>Whether the peer asks far more than it reads.</summary>
    public bool IsFlooded
    {
        get
        {
            lock (_lock)
            {
                return _control.IsOverfull;
            }
        }
    }

    /// <summary>Starts to send on a new connection: the welcome, then answers that the client may not have, then the numbers that the client has not.</summary>
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

                _sequence.RewindTo(seq);
            }

            _sequence.Features = connection.Features;
            _control.Restart(new ControlFrame(connection.Welcome, OutlivesConnection: false), lastEventSeq);
            _connection = connection;
            _farewell = null;
            _isComplete = false;
            _cursors.HoldBack(true);
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
            _control.Add(frame);
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
                _control.Add(frame);
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
            _control.Add(act());
        }

        _wake.Set();
    }

    /// <summary>Queues a job's acceptance and reads its log from the start behind it (§7.1).</summary>
    public void Open(Job job, ControlFrame accepted)
    {
        var cursor = new JobCursor(job, this, isSubscription: false);
        lock (_lock)
        {
            if (_isClosed)
            {
                return; // the session went while the submit was decided; the job runs unread
            }

            _control.Add(accepted);
            _cursors.Add(cursor);
            job.Feed.SetHoldsBack(cursor, _connection is not null);
        }

        cursor.OnAppended();
    }

    /// <summary>Reads the log of a child job, behind the entry that announces it on the parent's stream (§10).</summary>
    public void OpenChild(Job parent, Job child, long announcedAt)
    {
        lock (_lock)
        {
            if (_isClosed || _cursors.Contains(child.Spec.Id))
            {
                return; // the session is gone, or has found and subscribed to the child already
            }

            // A parent that is not read any more has ended and been sent to its end, the announcement with it.
            bool isAnnounced = !_cursors.TryGet(parent.Spec.Id, out JobCursor? announcing) || parent.Feed.PositionOf(announcing) >= announcedAt;
            var cursor = new JobCursor(child, this, isSubscription: false) { IsWaiting = true };
            _cursors.Add(cursor);
            child.Feed.SetHoldsBack(cursor, _connection is not null);
            if (isAnnounced)
            {
                _cursors.Open(child.Spec.Id);
            }
        }
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
            if (_cursors.Contains(job.Spec.Id))
            {
                _control.Add(makeAnswer(job.Snapshot(), null));
            }
            else if (_cursors.Subscriptions >= limit)
            {
                return false;
            }
            else
            {
                opened = new JobCursor(job, this, isSubscription: true);
                JobSnapshot snapshot = _cursors.Add(opened);
                opened.Position = choosePosition(snapshot);
                _control.Add(makeAnswer(snapshot, opened.Position));
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
            if (_cursors.TryGet(jobId, out JobCursor? cursor) && cursor.IsSubscription)
            {
                _cursors.Remove(cursor);
            }
        }
    }

    /// <summary>Lets go of frames that the client has processed (§6.5). Numbers that were not sent on this connection are ignored.</summary>
    public void Acknowledge(long upTo)
    {
        lock (_lock)
        {
            _sequence.Acknowledge(upTo);
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
                _control.Add(new ControlFrame(frame, OutlivesConnection: false));
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
            _control.Disconnect();
            _cursors.HoldBack(false);
            _connection = null;
        }
    }

    /// <summary>Stops reading all jobs: the session is gone.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _isClosed = true;
            _cursors.Clear();
            _control.Clear();
        }
    }

    /// <summary>Collects what is to be sent next. What the last call gave counts as sent.</summary>
    /// <returns>False when the connection's sending is over and nothing is left.</returns>
    public bool Collect(FrameBatch batch)
    {
        lock (_lock)
        {
            _control.Collect(batch, _sequence.HighestSent, _sequence.Floor);
            if (!_isComplete && !batch.IsFull)
            {
                CollectNumberedNeedsLock(batch);
            }

            if (!_isComplete && batch.Count == 0 && _farewell is { } farewell)
            {
                batch.Add(farewell);
                _isComplete = true;
            }

            return !_isComplete || !_control.IsEmpty;
        }
    }

    /// <summary>Waits until there may be something to collect.</summary>
    public ValueTask WaitAsync() => _wake.WaitAsync();

    /// <summary>Called by a cursor whose job's log has grown.</summary>
    public void OnReady(JobCursor cursor)
    {
        _cursors.MarkReady(cursor);
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

    private void CollectNumberedNeedsLock(FrameBatch batch)
    {
        if (!_sequence.CollectReplay(batch))
        {
            EndSlowConsumerNeedsLock(null);
        }

        while (!_isComplete && !_sequence.IsReplaying && !batch.IsFull && _cursors.TryTakeReady(out JobCursor? cursor))
        {
            CollectedEntries collected = _sequence.Collect(cursor, batch);
            foreach (JobId child in collected.Announced)
            {
                _cursors.Open(child);
            }

            switch (collected.Status)
            {
                case LogReadStatus.Gone:
                    EndSlowConsumerNeedsLock(cursor);
                    break;
                case LogReadStatus.More:
                    cursor.OnAppended();
                    break;
                default:
                    if (collected.SawTerminal)
                    {
                        _cursors.Remove(cursor);
                    }

                    break;
            }
        }
    }

    // What has to be sent next is no longer held. A subscription ends by that; the session goes on after a resume.
    private void EndSlowConsumerNeedsLock(JobCursor? cursor)
    {
        _control.Add(new ControlFrame(_connection!.SlowConsumerFrame(cursor?.Job.Spec.Id), OutlivesConnection: false));
        _isComplete = true;
        if (cursor is { IsSubscription: true })
        {
            _cursors.Remove(cursor);
        }
    }

    private bool CanReplayNeedsLock(long lastEventSeq) =>
        _sequence.CanReplay(lastEventSeq) && _cursors.AreHeld;
}
