using Arcp.Core;
using Arcp.Core.Events;
using Arcp.Core.Ids;
using Arcp.Core.Serialization;
using Arcp.Runtime.Authentication;
using Arcp.Runtime.Jobs;

namespace Arcp.Runtime.Sessions;

/// <summary>The numbers of a session (§8.3): gives them to what it sends, remembers what each stands for, sends it again after a resume.</summary>
/// <remarks>Needs the outbox's lock. Wire order is number order: while frames are sent again no new number is given.</remarks>
internal sealed class SessionSequence(SessionId sessionId, Principal principal, SentWindow window, AckLag lag, SentFrameLog sent)
{
    private readonly SentWindow _window = window;
    private readonly AckLag _lag = lag;
    private readonly SentFrameLog _sent = sent;
    private SequencedFrameHead? _head;
    private long _replayNext = long.MaxValue;
    private LogPage? _replayPage;
    private (Job Job, StreamedResult Result)? _assembling;

    // Made with the first number: many sessions only wait.
    private SequencedFrameHead Head => _head ??= new SequencedFrameHead(sessionId);

    /// <summary>What the session may be sent (§6.2).</summary>
    public Features Features { get; set; }

    /// <summary>The highest number that was sent on this connection, or that its client has.</summary>
    public long HighestSent => Math.Min(_replayNext - 1, _window.LastSeq);

    /// <summary>The highest number that cannot be sent again.</summary>
    public long Floor => _window.Floor;

    /// <summary>Whether frames are being sent again.</summary>
    public bool IsReplaying => _replayNext != long.MaxValue;

    /// <summary>Reads from the runtime's store what has to be sent next; null = it is at hand. Whoever takes it sets it back to null.</summary>
    public Func<CancellationToken, Task>? Missing { get; set; }

    /// <summary>Whether every frame above a number can be sent again.</summary>
    public bool CanReplay(long lastEventSeq) => _window.HoldsAllAbove(lastEventSeq);

    /// <summary>Sends all frames above a number again, before anything new.</summary>
    public void RewindTo(long lastEventSeq) => _replayNext = lastEventSeq < _window.LastSeq ? lastEventSeq + 1 : long.MaxValue;

    /// <summary>Lets go of frames that the client has processed (§6.5). Numbers that were not sent on this connection are ignored.</summary>
    public void Acknowledge(long upTo)
    {
        if (upTo <= HighestSent && _lag.Acknowledge(upTo, _window.LastSeq))
        {
            _window.Release(upTo);
            _sent.KeepFloor(_window.Floor);
        }
    }

    /// <summary>Keeps the numbers that were given since the last time.</summary>
    /// <param name="closed">The jobs that were read to their end by them.</param>
    public void Keep(IReadOnlyList<JobId> closed)
    {
        _sent.Keep(closed);
        _sent.KeepFloor(_window.Floor);
    }

    /// <summary>Collects frames that are sent again, as many as there is room for.</summary>
    /// <returns>False when one of them is no longer held.</returns>
    public bool CollectReplay(FrameBatch batch)
    {
        while (!batch.IsFull && Missing is null && _replayNext <= _window.LastSeq)
        {
            if (_window.Find(_replayNext) is not { } sent)
            {
                return false;
            }

            Job job = sent.Job.Open();
            if (sent.OwnTail is { } tail)
            {
                Write(batch, job, _replayNext++, tail);
                continue;
            }

            long position = sent.Entry - 1;
            var sink = new ReplaySink(this, batch, job, sent.Count);
            switch (job.Feed.Read(_replayPage, ref position, ref sink))
            {
                case LogReadStatus.Gone:
                    return false;
                case LogReadStatus.Away:
                    WantReplayPage(job, sent.Entry - 1);
                    break;
            }
        }

        if (_replayNext > _window.LastSeq)
        {
            _replayNext = long.MaxValue;
            _replayPage = null;
        }

        return true;
    }

    /// <summary>Collects a job's new entries and numbers them, as many as one job may put into a batch.</summary>
    public CollectedEntries Collect(JobCursor cursor, FrameBatch batch)
    {
        var sink = new LiveSink(this, batch, cursor.Job);
        LogReadStatus status = cursor.Job.Feed.Read(cursor, ref sink);
        sink.EndRun();
        if (status is LogReadStatus.Away)
        {
            WantPage(cursor);
        }

        return new CollectedEntries(status, sink.SawTerminal, sink.Announced ?? (IReadOnlyList<JobId>)[]);
    }

    // Secrets are for the job's principal alone, where credentials were negotiated (§9.8).
    private bool IsOwner(Job job) => Features.HasFlag(Features.ProvisionedCredentials) && job.Spec.Principal == principal;

    // A streamed result is put together for a session that takes no chunks, as long as they are held (§6.2).
    private bool TryGetTail(in LogEntry entry, Job job, bool isOwner, out ReadOnlySpan<byte> tail)
    {
        tail = entry.TailFor(isOwner);
        if (entry.Kind is not EntryKind.Terminal || Features.HasFlag(Features.ResultChunk) || !StreamedResult.IsToldBy(tail, out string? summary))
        {
            return true;
        }

        StreamedResult result = _assembling is { } begun && begun.Job == job ? begun.Result : new StreamedResult();
        LogReadStatus status = result.Read(job, null);
        if (status is LogReadStatus.Away)
        {
            WantResult(job, result);
            return false;
        }

        _assembling = null;
        tail = status is LogReadStatus.CaughtUp ? StreamedResult.WithInline(tail, result.ToJson(), summary) : tail;
        return true;
    }

    // Methods of their own, so that what is at hand costs no closure.
    private void WantPage(JobCursor cursor) => Missing = cancellationToken => cursor.Job.Feed.FetchAsync(cursor, cancellationToken);

    private void WantReplayPage(Job job, long position) =>
        Missing = async cancellationToken => _replayPage = await job.Feed.FetchAsync(position, cancellationToken).ConfigureAwait(false);

    private void WantResult(Job job, StreamedResult result)
    {
        _assembling = (job, result);
        Missing = cancellationToken => result.ReadAllAsync(job, cancellationToken);
    }

    private void Write(FrameBatch batch, Job job, long seq, ReadOnlySpan<byte> tail) => batch.AddNumbered(Head.For(seq, job.Spec.Id, job.Spec.Trace), tail);

    // A warning that acknowledgements are far behind, before the frame that makes them so: no event follows a terminal frame.
    private void Warn(FrameBatch batch, Job job)
    {
        byte[] warning = job.WriteOwnTail(new StatusEvent { Phase = "back_pressure", Message = "Acknowledgements are far behind." });
        long seq = _window.AddOwn(job.Known, warning);
        _sent.AddOwn(seq, job.Spec.Id, warning);
        Write(batch, job, seq, warning);
        _lag.OnTold();
    }

    /// <summary>Numbers new entries.</summary>
    private struct LiveSink(SessionSequence sequence, FrameBatch batch, Job job) : ILogSink
    {
        /// <summary>How much one job may put into a batch before the others have their turn.</summary>
        private const int Quantum = 16 * 1024;

        private readonly bool _isOwner = sequence.IsOwner(job);
        private long _warnBehind = sequence.Features.HasFlag(Features.Ack) ? sequence._lag.DueBehind : long.MaxValue;
        private long _lastSeq = sequence._window.LastSeq;
        private long _runStart; // what was numbered and not remembered yet: neighbouring entries
        private int _runCount;
        private int _runBytes;
        private int _taken;

        public bool SawTerminal { get; private set; }

        public List<JobId>? Announced { get; private set; }

        public SinkAnswer Accept(long number, in LogEntry entry)
        {
            if ((entry.Required & ~sequence.Features) != 0)
            {
                return SinkAnswer.More; // a kind that this session has not negotiated (§6.2); it takes no number
            }

            if (!sequence.TryGetTail(entry, job, _isOwner, out ReadOnlySpan<byte> tail))
            {
                return SinkAnswer.NotTaken;
            }

            if (_lastSeq >= _warnBehind)
            {
                EndRun();
                sequence.Warn(batch, job);
                (_lastSeq, _warnBehind) = (sequence._window.LastSeq, long.MaxValue);
            }

            if (number != _runStart + _runCount)
            {
                EndRun();
                _runStart = number;
            }

            ReadOnlySpan<byte> head = sequence.Head.For(++_lastSeq, job.Spec.Id, job.Spec.Trace);
            batch.AddNumbered(head, tail);
            _runCount++;
            _runBytes += head.Length + tail.Length;
            _taken += head.Length + tail.Length;
            SawTerminal |= entry.Kind is EntryKind.Terminal;
            if (entry.Kind is EntryKind.ChildAnnounced && job.Children.AnnouncedNeedsLock(number) is { } child)
            {
                (Announced ??= []).Add(child.Spec.Id);
            }

            return _taken < Quantum && !batch.IsFull ? SinkAnswer.More : SinkAnswer.Full;
        }

        /// <summary>Remembers what was numbered.</summary>
        public void EndRun()
        {
            if (_runCount > 0)
            {
                sequence._sent.Add(_lastSeq - _runCount + 1, job.Spec.Id, _runStart, _runCount, _runBytes);
                sequence._window.Add(job.Known, _runStart, _runBytes, _runCount);
                (_runStart, _runCount, _runBytes) = (_runStart + _runCount, 0, 0);
            }
        }
    }

    /// <summary>Sends numbered entries again.</summary>
    private struct ReplaySink(SessionSequence sequence, FrameBatch batch, Job job, long count) : ILogSink
    {
        private readonly bool _isOwner = sequence.IsOwner(job);
        private long _left = count;

        public SinkAnswer Accept(long number, in LogEntry entry)
        {
            if (!sequence.TryGetTail(entry, job, _isOwner, out ReadOnlySpan<byte> tail))
            {
                return SinkAnswer.NotTaken;
            }

            sequence.Write(batch, job, sequence._replayNext++, tail);
            return --_left > 0 && !batch.IsFull ? SinkAnswer.More : SinkAnswer.Full;
        }
    }
}

/// <summary>What collecting a job's entries came to.</summary>
/// <param name="Status">Whether there is more.</param>
/// <param name="SawTerminal">Whether the terminal frame was among them.</param>
/// <param name="Announced">The child jobs that were announced.</param>
internal readonly record struct CollectedEntries(LogReadStatus Status, bool SawTerminal, IReadOnlyList<JobId> Announced);
