using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Runtime.Jobs;

namespace Arcp.Runtime.Sessions;

/// <summary>What a session has to send and in which order: control frames as they were queued, and numbered ones from the logs that its cursors read.</summary>
/// <remarks>
/// Needs the outbox's lock. Numbers are given while collecting. What is collected may be sent when the store has committed what it shows: the runtime's journal has one
/// order, and a control frame waits for what came before it there, numbered frames for their numbers.
/// </remarks>
internal sealed class OutgoingFrames(SessionSequence sequence, SessionStore store)
{
    private readonly ControlQueue _control = new();
    private readonly List<JobId> _readToEnd = [];
    private ReadOnlyMemory<byte>? _farewell;

    /// <summary>What the session reads.</summary>
    public CursorSet Cursors { get; } = new();

    /// <summary>The connection that frames go to; null = there is none.</summary>
    public IOutboxConnection? Connection { get; private set; }

    /// <summary>Whether the connection's sending is to end when what is queued has been sent.</summary>
    public bool IsComplete { get; private set; } = true;

    /// <summary>Whether the peer asks far more than it reads.</summary>
    public bool IsOverfull => _control.IsOverfull;

    /// <summary>What the first answer that waits for a commit waits for; null = none does.</summary>
    public long? FirstUncommitted => _control.FirstUncommitted;

    /// <summary>Whether something has to happen before more can be collected: then <see cref="Unblock"/> begins it.</summary>
    public bool IsBlocked => FirstUncommitted is not null || (!IsComplete && sequence.Missing is not null);

    /// <summary>Starts to send on a new connection; see <see cref="SessionOutbox.TryBegin"/>.</summary>
    public bool TryBegin(IOutboxConnection connection, Features features, ReadOnlyMemory<byte> welcome, long? lastEventSeq)
    {
        if (lastEventSeq is { } seq)
        {
            if (!CanReplay(seq))
            {
                return false;
            }

            sequence.RewindTo(seq);
        }

        sequence.Features = features;
        sequence.Missing = null;
        _control.Restart(new ControlFrame(welcome, OutlivesConnection: false), lastEventSeq);
        Connection = connection;
        _farewell = null;
        IsComplete = false;
        Cursors.HoldBack(true);
        return true;
    }

    /// <summary>Whether a client that has everything up to a number can go on without a gap.</summary>
    public bool CanReplay(long lastEventSeq) => sequence.CanReplay(lastEventSeq) && Cursors.AreHeld;

    /// <summary>Queues a control frame.</summary>
    public void Add(ControlFrame frame) => _control.Add(frame, store.Position);

    /// <summary>Remembers an answer of an earlier run that its client may not have.</summary>
    /// <param name="answer">The answer.</param>
    /// <param name="afterSeq">The highest number that was sent before it.</param>
    public void Restore(ControlFrame answer, long afterSeq) => _control.Restore(answer, afterSeq);

    /// <summary>Lets go of frames that the client has processed (§6.5). Numbers that were not sent on this connection are ignored.</summary>
    public void Acknowledge(long upTo) => sequence.Acknowledge(upTo);

    /// <summary>Ends the connection's sending: what is queued is sent, then a last frame, and no event any more.</summary>
    public void Complete(ReadOnlyMemory<byte>? lastFrame)
    {
        if (IsComplete)
        {
            return;
        }

        if (lastFrame is { } frame)
        {
            Add(new ControlFrame(frame, OutlivesConnection: false) { IsLast = true });
        }

        IsComplete = true;
    }

    /// <summary>Ends the connection's sending when all that the jobs' logs hold now has been sent.</summary>
    public void CompleteWhenDrained(ReadOnlyMemory<byte> lastFrame) => _farewell ??= lastFrame;

    /// <summary>The connection is gone; frames that were only for it are dropped.</summary>
    public void Disconnect()
    {
        _control.Disconnect();
        Cursors.HoldBack(false);
        Connection = null;
    }

    /// <summary>The session is gone.</summary>
    public void Clear()
    {
        Cursors.Clear();
        _control.Clear();
    }

    /// <summary>Collects what is to be sent next. What the last call gave counts as sent.</summary>
    /// <returns>False when the connection's sending is over and nothing is left.</returns>
    public bool Collect(FrameBatch batch)
    {
        long committed = store.Committed; // one look: what is committed by the next one comes with the next batch
        _control.Collect(batch, committed, sequence.HighestSent, sequence.Floor, mayBeLast: true);
        batch.EndReady();
        if (!IsComplete && !batch.IsFull)
        {
            CollectNumbered(batch);
        }

        batch.MustWait = batch.Mark > committed;
        if (!IsComplete && batch.Count == 0 && _control.IsEmpty && sequence.Missing is null && _farewell is { } farewell)
        {
            batch.Add(farewell);
            IsComplete = true;
        }

        return !IsComplete || !_control.IsEmpty;
    }

    /// <summary>Collects what does not have to wait, while numbered frames do: answers to pings, refusals.</summary>
    public void CollectAnswers(FrameBatch batch) =>
        _control.Collect(batch, store.Committed, sequence.HighestSent, sequence.Floor, mayBeLast: false);

    /// <summary>Begins what has to happen before more can be collected; null = nothing has to.</summary>
    /// <param name="cancellationToken">Gives it up.</param>
    public Task? Unblock(CancellationToken cancellationToken)
    {
        if (!IsComplete && sequence.Missing is { } fetch)
        {
            sequence.Missing = null;
            return fetch(cancellationToken);
        }

        return FirstUncommitted is { } mark ? store.WhenCommittedAsync(mark).WaitAsync(cancellationToken) : null;
    }

    private void CollectNumbered(FrameBatch batch)
    {
        if (!sequence.CollectReplay(batch))
        {
            EndSlowConsumer(null);
        }

        while (!IsComplete && !sequence.IsReplaying && sequence.Missing is null && !batch.IsFull && Cursors.TryTakeReady(out JobCursor? cursor))
        {
            CollectedEntries collected = sequence.Collect(cursor, batch);
            foreach (JobId child in collected.Announced)
            {
                Cursors.Open(child);
            }

            switch (collected.Status)
            {
                case LogReadStatus.Gone:
                    EndSlowConsumer(cursor);
                    break;
                case LogReadStatus.More or LogReadStatus.Away:
                    cursor.OnAppended();
                    break;
                default:
                    if (collected.SawTerminal)
                    {
                        Close(cursor);
                    }

                    break;
            }
        }

        sequence.Keep(_readToEnd);
        _readToEnd.Clear();
        batch.Mark = batch.NumberedCount == 0 ? 0 : store.Position;
    }

    // What has to be sent next is no longer held. A subscription ends by that; the session goes on after a resume.
    private void EndSlowConsumer(JobCursor? cursor)
    {
        Add(new ControlFrame(Connection!.SlowConsumerFrame(cursor?.Job.Spec.Id), OutlivesConnection: false) { IsLast = true });
        IsComplete = true;
        if (cursor is { IsSubscription: true })
        {
            Close(cursor);
        }
    }

    private void Close(JobCursor cursor)
    {
        Cursors.Remove(cursor);
        _readToEnd.Add(cursor.Job.Spec.Id);
    }
}
