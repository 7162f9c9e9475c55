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
    private readonly Action<Job> _onEnded;
    private readonly byte[] _jobMembers;
    private readonly JobLog _log;
    private readonly CancellationTokenSource _stopping = new();
    private JobState _state = JobState.Waiting;
    private ImmutableArray<JobReader> _readers = [];
    private Task _stopDelivered = Task.CompletedTask;

    /// <summary>Creates a pending job.</summary>
    /// <param name="spec">What is fixed.</param>
    /// <param name="log">Its empty log.</param>
    /// <param name="clock">The clock of its events.</param>
    /// <param name="onEnded">Called once, outside the lock, by whoever ends the job.</param>
    public Job(JobSpec spec, JobLog log, TimeProvider clock, Action<Job> onEnded)
    {
        Spec = spec;
        _log = log;
        _clock = clock;
        _onEnded = onEnded;
        _jobMembers = FrameWriter.JobMembers(spec.Id, spec.Trace);
        Stopping = _stopping.Token;
    }

    public JobSpec Spec { get; }

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
        DateTimeOffset now = _clock.GetUtcNow();
        ArrayBufferWriter<byte> tail = Scratch();
        bool isTerminal = false;
        switch (signal)
        {
            case JobSignal.Started:
                FrameWriter.WriteEventTail(tail, _jobMembers, now, new StatusEvent { Phase = "running" });
                break;
            case JobSignal.Finished { Outcome: var outcome }:
                FrameWriter.WriteTerminalTail(tail, _jobMembers, now, outcome.ToMessage(Spec.Id));
                isTerminal = true;
                break;
            case JobSignal.Stopped { Outcome: var outcome }:
                FrameWriter.WriteTerminalTail(tail, _jobMembers, now, outcome.ToMessage(Spec.Id));
                isTerminal = true;
                break;
            default:
                throw new ArgumentException("Events are emitted with TryEmit.", nameof(signal));
        }

        if (!Apply(signal, tail.WrittenSpan, Features.None, isTerminal))
        {
            return false;
        }

        if (isTerminal)
        {
            RequestStop();
            _onEnded(this);
        }

        return true;
    }

    /// <summary>Appends an event.</summary>
    /// <returns>False, and nothing happens, when the job is not running.</returns>
    public bool TryEmit(EventBody body)
    {
        ArrayBufferWriter<byte> tail = Scratch();
        FrameWriter.WriteEventTail(tail, _jobMembers, _clock.GetUtcNow(), body);
        return Apply(JobSignal.EventEmitted, tail.WrittenSpan, EventKinds.RequiredFeature(body.Kind), isTerminal: false);
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
            _readers = _readers.Add(reader);
            return new JobSnapshot(_state, _log.Length);
        }
    }

    public void Detach(JobReader reader)
    {
        lock (_lock)
        {
            _readers = _readers.Remove(reader);
        }
    }

    /// <summary>Reads the log; see <see cref="JobLog.Read"/>.</summary>
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

    private bool Apply(JobSignal signal, ReadOnlySpan<byte> tail, Features required, bool isTerminal)
    {
        ImmutableArray<JobReader> readers;
        lock (_lock)
        {
            (JobState next, bool applied) = JobTransitions.Next(_state, signal);
            if (!applied)
            {
                return false;
            }

            _state = next;
            _log.Append(tail, required, isTerminal);
            readers = _readers;
        }

        foreach (JobReader reader in readers)
        {
            reader.OnAppended();
        }

        return true;
    }
}

/// <summary>A job's state and the length of its log at one moment.</summary>
internal readonly record struct JobSnapshot(JobState State, long LogLength);
