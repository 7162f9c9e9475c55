using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Arcp.Core.Events;
using Arcp.Core.Serialization;
using Arcp.Core.Transports;
using Arcp.Runtime.Storage;

namespace Arcp.Runtime.Jobs;

/// <summary>A job: its state and its log under one lock (§7.3). It appends to its own log and knows no session.</summary>
/// <remarks>Thread-safe. The first terminal signal wins; all later ones change nothing and emit nothing.</remarks>
[SuppressMessage("Design", "CA1001", Justification = "A source without a timer holds nothing to dispose, and its token outlives the job.")]
internal sealed class Job
{
    private readonly Lock _lock = new();
    private readonly JobEnvironment _environment;
    private CancellationTokenSource? _stopping;
    private JobChildren? _children;
    private JobState _state;
    private Task _stopDelivered = Task.CompletedTask;

    /// <summary>Creates a pending job.</summary>
    /// <param name="spec">What is fixed.</param>
    /// <param name="environment">What it shares with others.</param>
    public Job(JobSpec spec, JobEnvironment environment)
        : this(spec, JobState.Waiting, new JobLog(environment.Limits), environment)
    {
    }

    /// <summary>Creates a job that has come some way already.</summary>
    /// <param name="spec">What is fixed.</param>
    /// <param name="state">How far it had come.</param>
    /// <param name="log">Its log.</param>
    /// <param name="environment">What it shares with others.</param>
    /// <param name="known">What it is known by; null = it is new there.</param>
    public Job(JobSpec spec, JobState state, JobLog log, JobEnvironment environment, KnownJob? known = null)
    {
        Spec = spec;
        _state = state;
        _environment = environment;
        _stopping = state.IsTerminal ? null : new CancellationTokenSource();
        Feed = new JobFeed(spec.Id, environment.Limits, log, _lock);
        CreatedTimestamp = environment.Clock.GetTimestamp();
        Known = known ?? new KnownJob(environment, this);
    }

    public JobSpec Spec { get; }

    /// <summary>What stands for the job wherever it is not at work: much less than it, once it has ended.</summary>
    public KnownJob Known { get; }

    /// <summary>The job's log and its readers.</summary>
    public JobFeed Feed { get; }

    /// <summary>The jobs that this one has delegated work to (§10).</summary>
    public JobChildren Children => Volatile.Read(ref _children) ?? Interlocked.CompareExchange(ref _children, new JobChildren(_lock), null) ?? _children;

    /// <summary>When it was created, on the monotonic clock.</summary>
    public long CreatedTimestamp { get; }

    /// <summary>Cancelled when the agent has to stop: the job has ended, or the runtime is shutting down.</summary>
    public CancellationToken Stopping => Volatile.Read(ref _stopping)?.Token ?? new CancellationToken(canceled: true);

    private EntryWriter Writer => new(Spec, _environment.Clock, _environment.Limits.Store);

    /// <summary>How far it has come, at this moment.</summary>
    public JobState State => Volatile.Read(ref _state);

    public JobSnapshot Snapshot()
    {
        lock (_lock)
        {
            return new JobSnapshot(_state, Feed.LengthNeedsLock);
        }
    }

    /// <summary>Adds a reader, who hears of everything that is appended from now on.</summary>
    /// <param name="reader">The reader.</param>
    /// <param name="holdsBack">Whether he slows the agent when he does not keep up.</param>
    public JobSnapshot Attach(JobReader reader, bool holdsBack = false)
    {
        lock (_lock)
        {
            Feed.AddNeedsLock(reader, holdsBack);
            return new JobSnapshot(_state, Feed.LengthNeedsLock);
        }
    }

    /// <summary>Removes a reader. When the last one goes, a job that is packed gives up what it holds besides.</summary>
    public void Detach(JobReader reader) => Feed.Remove(reader, Known);

    /// <summary>Sends a signal that changes the state.</summary>
    /// <returns>Whether it took effect.</returns>
    public bool TryApply(JobSignal signal)
    {
        if (!TryTransition(signal, out JobState state))
        {
            return false;
        }

        if (state.Decision is not null)
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
            JobState seen = State;
            (state, bool applied) = JobTransitions.Next(seen, signal);
            if (!applied)
            {
                return false;
            }

            if (state is JobState.Settling && Spec.Credentials.IsEmpty)
            {
                state = JobTransitions.Next(state, JobSignal.TakenBack).State;
            }

            // What the transition shows is serialised outside the lock; when another signal came between, it is decided anew.
            if (TryMove(seen, state, Writer.Write(state)))
            {
                return true;
            }
        }
    }

    /// <summary>What follows from a decided end, and again from its being shown: the agent is told to stop, children end, and the owner hears of it.</summary>
    public void CompleteEnd()
    {
        _ = RequestStop();
        Volatile.Read(ref _children)?.End(); // none is added once the end is decided
        if (State.IsTerminal)
        {
            Rest();
            _environment.Owner.OnEnded(this);
        }
        else
        {
            _environment.Owner.OnSettling(this);
        }
    }

    /// <summary>Appends an event. Waits while the log is full of what a reader that holds back has not read.</summary>
    /// <exception cref="OperationCanceledException">The job is not running; nothing has happened.</exception>
    public ValueTask EmitAsync(EventBody body) => EmitAsync(Writer.Write(body));

    /// <summary>Appends a piece of a streamed result, like <see cref="EmitAsync(EventBody)"/>.</summary>
    public ValueTask EmitAsync(in ResultChunkBytes chunk) => EmitAsync(Writer.Write(chunk));

    /// <summary>Appends an event of the runtime's own at once, also over the limits: there are few of them.</summary>
    /// <param name="body">The event.</param>
    /// <param name="publicForm">The event for all but the job's principal; null = it holds no secret.</param>
    /// <returns>False when the job is not running; then nothing has happened.</returns>
    public bool TryEmitNow(EventBody body, EventBody? publicForm = null) =>
        TryEmit(Writer.Write(body, publicForm), mayWait: false, out _) is EmitOutcome.Done;

    /// <summary>Announces a child job, whose readers may begin behind the announcement (§10).</summary>
    /// <returns>The number of the entry; null when the job is not running, and then nothing has happened.</returns>
    public long? TryAnnounce(Job child, DelegateEvent body)
    {
        long? number = null;
        TryEmit(Writer.Write(body), mayWait: false, out _, child, appended => number = appended);
        return number;
    }

    /// <summary>Serialises an event about the job that does not stand in its log.</summary>
    public byte[] WriteOwnTail(EventBody body) => Writer.Write(body).Bytes.ToArray();

    /// <summary>Asks the agent to stop without ending the job. Those who listen are told on other threads.</summary>
    /// <returns>Ends when they have been.</returns>
    public Task RequestStop()
    {
        lock (_lock)
        {
            if (_stopping is { IsCancellationRequested: false } stopping)
            {
                _stopDelivered = stopping.CancelAsync();
            }

            return _stopDelivered;
        }
    }

    /// <summary>The agent has returned and was told to stop: nobody is left who would listen.</summary>
    public void ReleaseAgent()
    {
        lock (_lock)
        {
            _stopping = null;
            _stopDelivered = Task.CompletedTask;
        }
    }

    // The end is shown, and the log holds all of it. Who has delegated the job still asks how it ended.
    private void Rest()
    {
        lock (_lock)
        {
            if (Spec.DelegationDepth == 0)
            {
                _state = JobState.EndedWith(_state.Status);
            }

            // Jobs that take part in a delegation are known to each other by their objects, and those with credentials to the broker: of them, and of those with large logs,
            // the archive has the time of their end alone.
            FrameBuffer record = PackedJob.Write(Spec, Known.Number, _state.Status, _environment.Clock.GetTimestamp());
            bool isPacked = Spec.DelegationDepth == 0 && _children is null && Spec.Credentials.IsEmpty && Feed.TryPackNeedsLock(record, JobArchive.LargestRecord);
            _environment.Archive.Add(isPacked ? record.WrittenSpan : PackedJob.HeadOf(record), Spec.Origin, isPacked ? Spec.Id.Value : null, out ArchivedRecord archived);
            if (isPacked)
            {
                var packed = new PackedJob(archived);
                Known.Pack(packed);
                Feed.LetGoIfUnreadNeedsLock(packed);
            }
            else
            {
                Feed.TrimNeedsLock();
            }
        }
    }

    private OperationCanceledException HasEnded() => new("The job has ended.", Stopping);

    private ValueTask EmitAsync(in NewEntry entry)
    {
        EmitOutcome outcome = TryEmit(entry, mayWait: true, out Task? space);
        return outcome switch
        {
            EmitOutcome.Done => ValueTask.CompletedTask,
            EmitOutcome.Full => new ValueTask(EmitWhenSpaceAsync(new HeldEntry(entry), space!)),
            _ => ValueTask.FromException(HasEnded()),
        };
    }

    private async Task EmitWhenSpaceAsync(HeldEntry entry, Task space)
    {
        using HeldEntry held = entry;
        while (true)
        {
            bool isStopping = false;
            try
            {
                await space.WaitAsync(_environment.Limits.StallTime, _environment.Clock, Stopping).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                Feed.ReleaseStalled();
            }
            catch (OperationCanceledException)
            {
                isStopping = true; // ended, or about to be: the agent does not wait any more
            }

            EmitOutcome outcome = TryEmit(held.Entry, mayWait: true, out Task? next);
            if (outcome is EmitOutcome.Done)
            {
                return;
            }

            space = isStopping || next is null ? throw HasEnded() : next;
        }
    }

    private bool TryMove(JobState from, JobState to, NewEntry shown)
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
                _environment.Owner.OnEnding(this);
            }

            if (to.Decision is not null)
            {
                Spec.Guard.Budget.Close(); // whoever sees the end finds the rest where it came from
            }

            _state = to;
            readers = shown.Bytes.IsEmpty ? [] : Feed.AppendNeedsLock(shown, ToChanges(to)); // over the limit if need be: start and end, once each
        }

        Spec.Guard.Budget.AnnounceReturn(); // before anybody acts on the end
        Wake(readers);
        return true;
    }

    private EmitOutcome TryEmit(NewEntry entry, bool mayWait, out Task? space, Job? announced = null, Action<long>? onAnnounced = null)
    {
        space = null;
        ImmutableArray<JobReader> readers;
        lock (_lock)
        {
            if (!JobTransitions.Next(_state, JobSignal.EventEmitted).Applied)
            {
                return EmitOutcome.Refused;
            }

            if (mayWait && Feed.MustWaitNeedsLock(entry.Bytes.Length, out space))
            {
                return EmitOutcome.Full;
            }

            readers = announced is null ? Feed.AppendNeedsLock(entry) : AnnounceNeedsLock(entry, announced);
            onAnnounced?.Invoke(Feed.LengthNeedsLock);
        }

        Wake(readers);
        return EmitOutcome.Done;
    }

    private ImmutableArray<JobReader> AnnounceNeedsLock(in NewEntry entry, Job child)
    {
        long number = Feed.LengthNeedsLock + 1;
        Children.AddNeedsLock(number, child);
        return _environment.Limits.Store is null ? Feed.AppendNeedsLock(entry) : Feed.AppendNeedsLock(
            entry,
            new StoreChange.ChildAnnounced(child.Spec.Id, number),
            new StoreChange.CursorOpened(child.Spec.SubmittedBy, new StoredCursor(child.Spec.Id, 0, IsSubscription: false)));
    }

    private StoreChange[] ToChanges(JobState to) =>
        _environment.Limits.Store is not null && to.IsTerminal ? [new StoreChange.JobEnded(Spec.Id, to.Status, _environment.Clock.GetUtcNow())] : [];

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
