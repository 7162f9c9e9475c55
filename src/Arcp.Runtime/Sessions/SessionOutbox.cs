using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Runtime.Jobs;
using Arcp.Runtime.Time;

namespace Arcp.Runtime.Sessions;

/// <summary>All that a session has to send: control frames, and cursors on the logs of jobs. Outlives connections.</summary>
/// <remarks>
/// Thread-safe. One <see cref="SessionWriter"/> at a time collects from it. One lock orders control frames and events: what is queued together with a change to a job is
/// sent before what that change puts into the job's log. Locks are taken in the order outbox, job; a job never calls back with its lock held.
/// </remarks>
internal sealed class SessionOutbox(SessionSequence sequence, SessionStore store)
{
    private readonly Lock _lock = new();
    private readonly OutgoingFrames _frames = new(sequence, store);
    private readonly WakeSignal _wake = new();
    private long _wakesAt;
    private bool _isClosed;

    /// <summary>Whether what is sent may have to wait for a commit.</summary>
    public bool IsDurable => store.IsDurable;

    /// <summary>How many jobs it reads.</summary>
    public int CursorCount
    {
        get
        {
            lock (_lock)
            {
                return _frames.Cursors.Count;
            }
        }
    }

    /// <summary>Whether the peer asks far more than it reads. A look without the lock, for each frame that is read: what has just changed counts for the next one.</summary>
    public bool IsFlooded => _frames.IsOverfull;

    /// <summary>Whether the connection's sending is to end when what is queued has been sent.</summary>
    public bool IsComplete
    {
        get
        {
            lock (_lock)
            {
                return _frames.IsComplete;
            }
        }
    }

    /// <summary>Starts to send on a new connection: the welcome, then answers that the client may not have, then the numbers that the client has not.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="features">What may be sent (§6.2).</param>
    /// <param name="welcome">The first frame.</param>
    /// <param name="lastEventSeq">The highest number the client has; null = it has all, which a new session does.</param>
    /// <returns>False, and nothing happens, when not all above that number can be sent again.</returns>
    public bool TryBegin(IOutboxConnection connection, Features features, ReadOnlyMemory<byte> welcome, long? lastEventSeq)
    {
        lock (_lock)
        {
            if (!_frames.TryBegin(connection, features, welcome, lastEventSeq))
            {
                return false;
            }
        }

        _wake.Set();
        return true;
    }

    /// <summary>Whether a client that has everything up to a number can go on without a gap.</summary>
    public bool CanReplay(long lastEventSeq)
    {
        lock (_lock)
        {
            return _frames.CanReplay(lastEventSeq);
        }
    }

    /// <summary>Queues a control frame.</summary>
    public void Post(ControlFrame frame)
    {
        lock (_lock)
        {
            _frames.Add(frame);
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
                _frames.Add(frame);
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
            _frames.Add(act());
        }

        _wake.Set();
    }

    /// <summary>Queues a job's acceptance and reads its log from the start behind it (§7.1).</summary>
    /// <remarks>The caller starts the job at once. That appends the first entry, and the acceptance is sent with it: two wake-ups for each job would be one too many.</remarks>
    public void Open(Job job, ControlFrame accepted)
    {
        bool isAlone;
        var cursor = new JobCursor(job, this, isSubscription: false);
        lock (_lock)
        {
            if (_isClosed)
            {
                return; // the session went while the submit was decided; the job runs unread
            }

            _frames.Add(accepted);

            // A job that was decided to end before it has started may show nothing for a while, if it has to give something back.
            isAlone = _frames.Cursors.Add(cursor, holdsBack: _frames.Connection is not null).State is not JobState.NotStarted || !job.Spec.Credentials.IsEmpty;
        }

        if (isAlone)
        {
            cursor.OnAppended();
        }
    }

    /// <summary>Reads the log of a child job, behind the entry that announces it on the parent's stream (§10).</summary>
    public void OpenChild(Job parent, Job child, long announcedAt)
    {
        lock (_lock)
        {
            if (_isClosed || _frames.Cursors.Contains(child.Spec.Id))
            {
                return; // the session is gone, or has found and subscribed to the child already
            }

            // A parent that is not read any more has ended and been sent to its end, the announcement with it.
            bool isAnnounced = !_frames.Cursors.TryGet(parent.Spec.Id, out JobCursor? announcing) || parent.Feed.PositionOf(announcing) >= announcedAt;
            var cursor = new JobCursor(child, this, isSubscription: false) { IsWaiting = true };
            _frames.Cursors.Add(cursor, holdsBack: _frames.Connection is not null);
            if (isAnnounced)
            {
                _frames.Cursors.Open(child.Spec.Id);
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
            if (_frames.Cursors.Contains(job.Spec.Id))
            {
                _frames.Add(makeAnswer(job.Snapshot(), null));
            }
            else if (_frames.Cursors.Subscriptions >= limit)
            {
                return false;
            }
            else
            {
                opened = new JobCursor(job, this, isSubscription: true);
                JobSnapshot snapshot = _frames.Cursors.Add(opened);
                opened.Position = choosePosition(snapshot);
                store.AppendOpened(opened);
                _frames.Add(makeAnswer(snapshot, opened.Position));
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
            if (_frames.Cursors.TryGet(jobId, out JobCursor? cursor) && cursor.IsSubscription)
            {
                _frames.Cursors.Remove(cursor);
                store.AppendClosed(jobId);
            }
        }
    }

    /// <summary>Goes on where an earlier run has stopped.</summary>
    /// <param name="cursors">What the session reads.</param>
    /// <param name="answers">Acceptances that its client may not have, each with the highest number that was sent before it.</param>
    public void Restore(IEnumerable<JobCursor> cursors, IEnumerable<(ControlFrame Frame, long AfterSeq)> answers)
    {
        lock (_lock)
        {
            foreach (JobCursor cursor in cursors)
            {
                _frames.Cursors.Add(cursor);
                cursor.OnAppended();
            }

            foreach ((ControlFrame frame, long afterSeq) in answers)
            {
                _frames.Restore(frame, afterSeq);
            }
        }
    }

    /// <summary>Lets go of frames that the client has processed (§6.5). Numbers that were not sent on this connection are ignored.</summary>
    public void Acknowledge(long upTo)
    {
        lock (_lock)
        {
            _frames.Acknowledge(upTo);
        }
    }

    /// <summary>Ends the connection's sending: what is queued is sent, then a last frame, and no event any more.</summary>
    public void Complete(ReadOnlyMemory<byte>? lastFrame = null)
    {
        lock (_lock)
        {
            _frames.Complete(lastFrame);
        }

        _wake.Set();
    }

    /// <summary>Ends the connection's sending when all that the jobs' logs hold now has been sent.</summary>
    /// <param name="lastFrame">The last frame.</param>
    public void CompleteWhenDrained(ReadOnlyMemory<byte> lastFrame)
    {
        lock (_lock)
        {
            _frames.CompleteWhenDrained(lastFrame);
        }

        _wake.Set();
    }

    /// <summary>The connection is gone; frames that were only for it are dropped.</summary>
    public void Disconnect()
    {
        lock (_lock)
        {
            _frames.Disconnect();
        }
    }

    /// <summary>Stops reading all jobs: the session is gone.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _isClosed = true;
            _frames.Clear();
        }
    }

    /// <summary>Collects what is to be sent next. What the last call gave counts as sent.</summary>
    /// <returns>False when the connection's sending is over and nothing is left.</returns>
    public bool Collect(FrameBatch batch)
    {
        lock (_lock)
        {
            return _frames.Collect(batch);
        }
    }

    /// <summary>Collects what does not have to wait, while numbered frames do: answers to pings, refusals.</summary>
    public void CollectAnswers(FrameBatch batch)
    {
        lock (_lock)
        {
            _frames.CollectAnswers(batch);
        }
    }

    /// <summary>Ends when what a batch shows is committed.</summary>
    public Task WhenCommittedAsync(FrameBatch batch) => store.WhenCommittedAsync(batch.Mark);

    /// <summary>Whether something has to happen before more can be collected: then <see cref="Unblock"/> begins it.</summary>
    public bool IsBlocked
    {
        get
        {
            lock (_lock)
            {
                return _frames.IsBlocked;
            }
        }
    }

    /// <summary>Begins what has to happen before more can be collected; null = nothing has to.</summary>
    /// <param name="cancellationToken">Gives it up.</param>
    public Task? Unblock(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            return _frames.Unblock(cancellationToken);
        }
    }

    /// <summary>Ends a wait: there may be something to collect.</summary>
    public void Wake() => _wake.Set();

    /// <summary>Sees to it that a wait ends when the first answer that waits for a commit may be sent, whatever else is waited for.</summary>
    public void WakeWhenCommitted()
    {
        long mark;
        lock (_lock)
        {
            if (_frames.FirstUncommitted is not { } first || first == _wakesAt)
            {
                return;
            }

            mark = _wakesAt = first;
        }

        store.WhenCommittedAsync(mark).ContinueWith(
            static (_, outbox) => ((SessionOutbox)outbox!).Wake(), this, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>Waits until there may be something to collect.</summary>
    public ValueTask WaitAsync() => _wake.WaitAsync();

    /// <summary>Called by a cursor whose job's log has grown.</summary>
    public void OnReady(JobCursor cursor)
    {
        _frames.Cursors.MarkReady(cursor);
        _wake.Set();
    }

    /// <summary>Called by a cursor that has held its job's agent back for too long.</summary>
    public void OnStalled()
    {
        IOutboxConnection? connection;
        lock (_lock)
        {
            connection = _frames.Connection;
        }

        connection?.OnStalled();
    }
}
