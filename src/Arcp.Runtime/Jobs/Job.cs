using System.Buffers;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Arcp.Core;
using Arcp.Core.Events;
using Arcp.Core.Serialization;

namespace Arcp.Runtime.Jobs;

/// <summary>A job: its state and its log under one lock (§7.3). It appends to its own log and knows no session.</summary>
/// <remarks>Thread-safe. The first terminal signal wins; all later ones change nothing and emit nothing.</remarks>
[SuppressMessage("Design", "CA1001", Justification = "A source without a timer holds nothing to dispose, and its token outlives the job.")]
internal sealed class Job
{
    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _scratch;

    private readonly Lock _lock = new();
    private readonly TimeProvider _clock;
    private readonly IJobOwner _owner;
    private readonly byte[] _jobMembers;
    private readonly JobLog _log;
    private readonly JobReaders _readers = new();
    private readonly JobLimits _limits;
    private readonly CancellationTokenSource _stopping = new();
    private JobState _state = JobState.Waiting;
    private Task _stopDelivered = Task.CompletedTask;

    /// <summary>Creates a pending job.</summary>
    /// <param name="spec">What is fixed.</param>
    /// <param name="limits">What bounds its log.</param>
    /// <param name="clock">The clock of its events.</param>
    /// <param name="owner">Hears of its end.</param>
    public Job(JobSpec spec, JobLimits limits, TimeProvider clock, IJobOwner owner)
    {
        Spec = spec;
        _limits = limits;
        _log = new JobLog(limits);
        _clock = clock;
        _owner = owner;
        _jobMembers = FrameWriter.JobMembers(spec.Id, spec.Trace);
        Stopping = _stopping.Token;
        CreatedTimestamp = clock.GetTimestamp();
    }

    public JobSpec Spec { get; }

    /// <summary>When it was created, on the monotonic clock.</summary>
    public long CreatedTimestamp { get; }

    /// <summary>Cancelled when the agent has to stop: the job has ended, or the runtime is shutting down.</summary>
    public CancellationToken Stopping { get; }

    /// <summary>Ends when all that listens to <see cref="Stopping"/> has been told.</summary>
    public Task StopDelivered
    {
        get
        {
            lock (_lock)
            {
                return _stopDelivered;
            }
        }
    }

    public JobSnapshot Snapshot()
    {
        lock (_lock)
        {
            return new JobSnapshot(_state, _log.Length);
        }
    }

    /// <summary>Sends a signal that changes the state.</summary>
    /// <returns>Whether it took effect.</returns>
    public bool TryApply(JobSignal signal)
    {
        if (!TryTransition(signal, out JobState state))
        {
            return false;
        }

        if (state.IsTerminal)
        {
            CompleteEnd();
        }

        return true;
    }

    /// <summary>Sends a signal and leaves what follows from an end to the caller, who holds a lock: he calls <see cref="CompleteEnd"/> once, without it.</summary>
    /// <param name="signal">The signal.</param>
    /// <param name="state">The state afterwards.</param>
    /// <returns>Whether it took effect.</returns>
    public bool TryTransition(JobSignal signal, out JobState state)
    {
        while (true)
        {
            JobState seen = Snapshot().State;
            (state, bool applied) = JobTransitions.Next(seen, signal);
            if (!applied)
            {
                return false;
            }

            // What the transition shows is serialised outside the lock; when another signal came between, it is decided anew.
            ArrayBufferWriter<byte> tail = Scratch();
            WriteTransition(tail, state);
            if (TryMove(seen, state, tail.WrittenSpan))
            {
                return true;
            }
        }
    }

    /// <summary>What follows from the end, once: the agent is told to stop, and the owner hears of it.</summary>
    public void CompleteEnd()
    {
        RequestStop();
        _owner.OnEnded(this);
    }

    /// <summary>Appends an event. Waits while the log is full of what a reader that holds back has not read.</summary>
    /// <exception cref="OperationCanceledException">The job is not running; nothing has happened.</exception>
    public ValueTask EmitAsync(EventBody body)
    {
        ArrayBufferWriter<byte> tail = Scratch();
        FrameWriter.WriteEventTail(tail, _jobMembers, _clock.GetUtcNow(), body);
        Features required = EventKinds.RequiredFeature(body.Kind);
        EmitOutcome outcome = TryEmit(tail.WrittenSpan, required, out Task? space);
        return outcome switch
        {
            EmitOutcome.Done => ValueTask.CompletedTask,
            EmitOutcome.Full => new ValueTask(EmitWhenSpaceAsync(tail.WrittenSpan.ToArray(), required, space!)),
            _ => ValueTask.FromException(HasEnded()),
        };
    }

    /// <summary>Serialises an event about the job that does not stand in its log.</summary>
    public byte[] WriteOwnTail(EventBody body)
    {
        var tail = new ArrayBufferWriter<byte>(256);
        FrameWriter.WriteEventTail(tail, _jobMembers, _clock.GetUtcNow(), body);
        return tail.WrittenSpan.ToArray();
    }

    /// <summary>Asks the agent to stop without ending the job. Those who listen are told on other threads.</summary>
    public void RequestStop()
    {
        lock (_lock)
        {
            if (!Stopping.IsCancellationRequested)
            {
                _stopDelivered = _stopping.CancelAsync();
            }
        }
    }

    /// <summary>Adds a reader, who hears of everything that is appended from now on.</summary>
    public JobSnapshot Attach(JobReader reader)
    {
        lock (_lock)
        {
            _readers.Add(reader);
            return new JobSnapshot(_state, _log.Length);
        }
    }

    public void Detach(JobReader reader)
    {
        SetHoldsBack(reader, false);
        lock (_lock)
        {
            _readers.Remove(reader);
        }
    }

    /// <summary>Says whether a reader slows the agent when he does not keep up.</summary>
    public void SetHoldsBack(JobReader reader, bool holdsBack)
    {
        TaskCompletionSource? space;
        lock (_lock)
        {
            reader.HoldsBack = holdsBack;
            space = _readers.TakeSpace(_log.Evicted);
        }

        space?.SetResult();
    }

    /// <summary>Reads on for a reader; see <see cref="JobLog.Read"/>.</summary>
    public LogReadStatus ReadLog<TSink>(JobReader reader, ref TSink sink)
        where TSink : struct, ILogSink
    {
        LogReadStatus status;
        TaskCompletionSource? space;
        lock (_lock)
        {
            long position = reader.Position;
            status = _log.Read(ref position, ref sink);
            reader.Position = position;
            space = _readers.TakeSpace(_log.Evicted);
        }

        space?.SetResult();
        return status;
    }

    /// <summary>Reads the log from any position; see <see cref="JobLog.Read"/>.</summary>
    public LogReadStatus ReadLog<TSink>(ref long position, ref TSink sink)
        where TSink : struct, ILogSink
    {
        lock (_lock)
        {
            return _log.Read(ref position, ref sink);
        }
    }

    /// <summary>Whether all entries behind a position are still held.</summary>
    public bool Holds(long position)
    {
        lock (_lock)
        {
            return position >= _log.Evicted;
        }
    }

    /// <summary>Whether all entries behind what a reader has read are still held.</summary>
    public bool Holds(JobReader reader)
    {
        lock (_lock)
        {
            return reader.Position >= _log.Evicted;
        }
    }

    /// <summary>The job is forgotten: its log no longer counts against the runtime's memory.</summary>
    public void ReleaseLog()
    {
        lock (_lock)
        {
            _log.Release();
        }
    }

    private static ArrayBufferWriter<byte> Scratch()
    {
        const int keptBytes = 64 * 1024;
        if (_scratch is not { Capacity: <= keptBytes })
        {
            _scratch = new ArrayBufferWriter<byte>(1024);
        }

        _scratch.ResetWrittenCount();
        return _scratch;
    }

    private OperationCanceledException HasEnded() => new("The job has ended.", Stopping);

    private async Task EmitWhenSpaceAsync(byte[] tail, Features required, Task space)
    {
        while (true)
        {
            bool isStopping = false;
            try
            {
                await space.WaitAsync(_limits.StallTime, _clock, Stopping).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                ReleaseStalledReaders();
            }
            catch (OperationCanceledException)
            {
                isStopping = true; // ended, or about to be: the agent does not wait any more
            }

            EmitOutcome outcome = TryEmit(tail, required, out Task? next);
            if (outcome is EmitOutcome.Done)
            {
                return;
            }

            space = isStopping || next is null ? throw HasEnded() : next;
        }
    }

    private void ReleaseStalledReaders()
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

    private void WriteTransition(ArrayBufferWriter<byte> tail, JobState state)
    {
        switch (state)
        {
            case JobState.InProgress:
                FrameWriter.WriteEventTail(tail, _jobMembers, _clock.GetUtcNow(), new StatusEvent { Phase = "running" });
                break;
            case JobState.Ended ended:
                FrameWriter.WriteTerminalTail(tail, _jobMembers, _clock.GetUtcNow(), ended.Outcome.ToMessage(Spec.Id));
                break;
        }
    }

    private bool TryMove(JobState from, JobState to, ReadOnlySpan<byte> tail)
    {
        ImmutableArray<JobReader> readers;
        lock (_lock)
        {
            if (!ReferenceEquals(_state, from))
            {
                return false;
            }

            if (to.IsTerminal)
            {
                _owner.OnEnding(this);
            }

            _state = to;
            if (tail.IsEmpty)
            {
                return true; // nothing to show
            }

            _log.Append(tail, Features.None, to.IsTerminal, _readers.FirstUnread); // over the limit if need be: start and end, once each
            readers = _readers.All;
        }

        Wake(readers);
        return true;
    }

    private EmitOutcome TryEmit(ReadOnlySpan<byte> tail, Features required, out Task? space)
    {
        space = null;
        ImmutableArray<JobReader> readers;
        lock (_lock)
        {
            if (!JobTransitions.Next(_state, JobSignal.EventEmitted).Applied)
            {
                return EmitOutcome.Refused;
            }

            if (_log.IsFullFor(tail.Length) && _readers.HoldBack(_log.Evicted))
            {
                space = _readers.WaitForSpace();
                return EmitOutcome.Full;
            }

            _log.Append(tail, required, isTerminal: false, _readers.FirstUnread);
            readers = _readers.All;
        }

        Wake(readers);
        return EmitOutcome.Done;
    }

    private static void Wake(ImmutableArray<JobReader> readers)
    {
        foreach (JobReader reader in readers)
        {
            reader.OnAppended();
        }
    }

    private enum EmitOutcome
    {
        Done,
        Refused,
        Full,
    }
}

/// <summary>A job's state and the length of its log at one moment.</summary>
internal readonly record struct JobSnapshot(JobState State, long LogLength);
