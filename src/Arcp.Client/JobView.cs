using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Arcp.Client.Jobs;
using Arcp.Core;
using Arcp.Core.Events;
using Arcp.Core.Ids;
using Arcp.Core.Leases;
using Arcp.Core.Messages;

namespace Arcp.Client;

/// <summary>A job as this client sees it: what it may do, its events, its state and its result. A <see cref="JobHandle"/>, a <see cref="Subscription"/> or a <see cref="ChildJob"/>.</summary>
/// <remarks>
/// Thread-safe. The client keeps reading the connection however slow a consumer is, and keeps the job's events until its last view is disposed, up to
/// <see cref="ArcpClientOptions.MaxEventsPerJob"/> and <see cref="ArcpClientOptions.MaxEventBytesPerJob"/>: dispose what you do not need any more.
/// Disposing stops listening and does not cancel the job. While the connection is lost and the client makes another one, everything waits.
/// </remarks>
public abstract class JobView : IAsyncDisposable
{
    private readonly JsonSerializerOptions? _json;
    private readonly long _after;
    private readonly bool _isPartial;
    private readonly CancellationTokenSource _disposal = new();
    private int _isDisposed;

    private protected JobView(ClientSession session, JobTracker tracker, long after, JsonSerializerOptions? json, bool isPartial = false)
    {
        _isPartial = isPartial;
        Session = session;
        Tracker = tracker;
        _after = after;
        _json = json;
    }

    /// <summary>The job's id.</summary>
    public JobId Id => Tracker.JobId;

    /// <summary>The agent as the runtime resolved it: <c>name@version</c>, or the bare name without <c>agent_versions</c> (§7.5). Empty when the runtime does not say.</summary>
    public abstract string Agent { get; }

    /// <summary>What the job may do (§9); possibly nothing.</summary>
    public abstract Lease Lease { get; }

    /// <summary>Until when the lease holds (§9.5), when it ends.</summary>
    public abstract LeaseConstraints? LeaseConstraints { get; }

    /// <summary>The amount of each budgeted currency when the view began (§9.6), when there are any.</summary>
    public abstract IReadOnlyDictionary<string, decimal>? Budget { get; }

    /// <summary>What is left of each budgeted currency (§9.6), as far as this client has heard; below zero when the job has overspent. Each read gives the state of that moment. Null = the runtime has told of no budget.</summary>
    public IReadOnlyDictionary<string, decimal>? RemainingBudget => Tracker.Grants.RemainingBudget;

    /// <summary>The credentials lent to the job (§9.8), with the values that hold now: a rotation replaces its credential's value, so read this again before each use. Only the submitter's principal gets any. Secrets.</summary>
    public IReadOnlyList<ProvisionedCredential> Credentials => Tracker.Grants.Credentials;

    /// <summary>The job's parent, when it has one.</summary>
    public abstract JobId? ParentJobId { get; }

    /// <summary>The child jobs that the job has announced so far (§10), in that order; at most <see cref="ArcpClientOptions.MaxChildrenPerJob"/>, the newest. <see cref="OpenChildAsync"/> watches one.</summary>
    public IReadOnlyList<DelegateEvent> Children => Tracker.Children.ToList();

    /// <summary>The job's trace (§11).</summary>
    public TraceContext? Trace => Tracker.Trace;

    private protected ClientSession Session { get; }

    private protected JobTracker Tracker { get; }

    /// <summary>The job's state, as far as this client has heard (§7.3).</summary>
    public JobStatus Status => Tracker.Status;

    /// <summary>
    /// Whether events that this view was meant to have (§7.6) have not come and will not: the runtime no longer held them when a new session had to subscribe to the job again,
    /// or when the view began; or the session received the job before the view asked for it, from a later place or with no view open, and nothing is sent twice.
    /// </summary>
    /// <remarks>
    /// False = <see cref="Events"/> leaves nothing out; all that can happen is that it ends in an exception. Once true it stays so, and the events that did come are still each once and in order.
    /// It can become true whenever <see cref="ConnectionState.MayMissEvents"/> does, and for a repeated submit (§7.2) or a subscription when it is answered. Look at it when the events have ended.
    /// </remarks>
    public bool MayMissEvents => _isPartial || Tracker.MissesAbove(_after);

    /// <summary>
    /// All events of the job, each once and in order. Every enumeration starts with the first event that this view was meant to have and ends when the job has ended,
    /// however it ended: <see cref="GetResultAsync(CancellationToken)"/> says how.
    /// </summary>
    /// <remarks>
    /// Any number of consumers may enumerate at the same time, early or late. Unknown kinds come as <see cref="RawEvent"/>.
    /// A connection that is lost and made again is not noticed. One that is lost for good ends the enumeration with <see cref="ArcpConnectionException"/> behind the last event,
    /// disposing the view with <see cref="ObjectDisposedException"/>, and being later than what is kept with <see cref="EventsDroppedException"/>.
    /// What cannot be had from the runtime any more is left out, and <see cref="MayMissEvents"/> says so.
    /// </remarks>
    public IAsyncEnumerable<JobEvent> Events => ReadEventsAsync(_after);

    /// <summary>Waits for the job's end and returns its result as one JSON value.</summary>
    /// <param name="cancellationToken">Ends the wait, not the job.</param>
    /// <returns>The result; a streamed one as <see cref="JobOutcome.ToJson"/> describes. A null result is the JSON value null.</returns>
    /// <exception cref="ArcpException">The job has ended without success, with the code of §12; or its streamed result broke the rules of §8.4.</exception>
    /// <exception cref="ArcpConnectionException">The connection is lost or closed before the job's end.</exception>
    /// <exception cref="ObjectDisposedException">The view was disposed before the job's end.</exception>
    public async Task<RawJson> GetResultAsync(CancellationToken cancellationToken = default) =>
        (await GetOutcomeAsync(cancellationToken).ConfigureAwait(false)).ToJson();

    /// <summary>Waits for the job's end and reads its result with reflection and the client's <see cref="ArcpClientOptions.JsonSerializerOptions"/>.</summary>
    /// <typeparam name="T">
    /// The type to read. A streamed result is taken as it is by <c>string</c>, <c>byte[]</c> and <c>ReadOnlyMemory&lt;byte&gt;</c>; for other types it has to be JSON.
    /// A null result gives null.
    /// </typeparam>
    /// <param name="cancellationToken">Ends the wait, not the job.</param>
    /// <exception cref="JsonException">The result does not fit the type.</exception>
    /// <exception cref="ArcpException">The job has ended without success, with the code of §12; or its streamed result broke the rules of §8.4.</exception>
    /// <exception cref="ArcpConnectionException">The connection is lost or closed before the job's end.</exception>
    /// <exception cref="ObjectDisposedException">The view was disposed before the job's end.</exception>
    [RequiresUnreferencedCode("Uses reflection; pass a JsonTypeInfo when trimming.")]
    [RequiresDynamicCode("Uses reflection; pass a JsonTypeInfo under native AOT.")]
    public async Task<T> GetResultAsync<T>(CancellationToken cancellationToken = default) =>
        (await GetOutcomeAsync(cancellationToken).ConfigureAwait(false)).Read<T>(_json);

    /// <summary>Waits for the job's end and reads its result with the given contract; works under native AOT.</summary>
    /// <typeparam name="T">
    /// The type to read. A streamed result is taken as it is by <c>string</c>, <c>byte[]</c> and <c>ReadOnlyMemory&lt;byte&gt;</c>; for other types it has to be JSON.
    /// A null result gives null.
    /// </typeparam>
    /// <param name="typeInfo">How to read it.</param>
    /// <param name="cancellationToken">Ends the wait, not the job.</param>
    /// <exception cref="JsonException">The result does not fit the type.</exception>
    /// <exception cref="ArcpException">The job has ended without success, with the code of §12; or its streamed result broke the rules of §8.4.</exception>
    /// <exception cref="ArcpConnectionException">The connection is lost or closed before the job's end.</exception>
    /// <exception cref="ObjectDisposedException">The view was disposed before the job's end.</exception>
    public async Task<T> GetResultAsync<T>(JsonTypeInfo<T> typeInfo, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(typeInfo);
        return (await GetOutcomeAsync(cancellationToken).ConfigureAwait(false)).Read(typeInfo);
    }

    /// <summary>Waits for the job's end and returns all that it returned: value or stream, and the summary.</summary>
    /// <param name="cancellationToken">Ends the wait, not the job.</param>
    /// <exception cref="EventsDroppedException">The result was streamed and not buffered (<see cref="SubmitOptions.BufferResult"/>), and its chunks are no longer all kept.</exception>
    /// <exception cref="ArcpException">The job has ended without success, with the code of §12; or its streamed result broke the rules of §8.4.</exception>
    /// <exception cref="ArcpConnectionException">The connection is lost or closed before the job's end.</exception>
    /// <exception cref="ObjectDisposedException">The view was disposed before the job's end.</exception>
    public async Task<JobOutcome> GetOutcomeAsync(CancellationToken cancellationToken = default)
    {
        JobEnding ending = await UntilDisposedAsync(token => Tracker.Result.WaitAsync(token), Tracker.Result.IsCompleted, cancellationToken).ConfigureAwait(false);
        if (ending.Failure is { } failure)
        {
            throw failure();
        }

        return new JobOutcome(ending.Content is null ? await Result.AssembleAsync(ending, cancellationToken).ConfigureAwait(false) : ending);
    }

    /// <summary>Reads the result as bytes while the job is still writing it (§8.4), each piece checked before it is given out.</summary>
    /// <remarks>
    /// Starts with the first byte whenever it is called; any number of readers may read. A streamed result comes as it was written; an inline one when the job has ended:
    /// the text of a JSON string, or else the JSON. A job that fails half-way gives its <see cref="ArcpException"/> behind the pieces that came.
    /// A reader may be as slow as the events that are kept allow (<see cref="ArcpClientOptions.MaxEventBytesPerJob"/>); later than that it gets <see cref="EventsDroppedException"/>.
    /// So with <see cref="SubmitOptions.BufferResult"/> off a result of any size is read in bounded memory.
    /// </remarks>
    /// <param name="cancellationToken">Ends the reading, not the job.</param>
    /// <returns>The pieces, in order; none is empty. Their memory is not used again.</returns>
    /// <exception cref="ArcpException">The job has ended without success, with the code of §12; or its streamed result broke the rules of §8.4.</exception>
    /// <exception cref="ArcpConnectionException">The connection is lost for good, or the client closed, before the job's end.</exception>
    /// <exception cref="EventsDroppedException">The reader is further behind than what is kept.</exception>
    /// <exception cref="ObjectDisposedException">The view was disposed before the job's end.</exception>
    public IAsyncEnumerable<ReadOnlyMemory<byte>> ReadResultAsync(CancellationToken cancellationToken = default) => Result.ReadAsync(cancellationToken);

    /// <summary>Reads the result as text while the job is still writing it, as <see cref="ReadResultAsync"/> does: the bytes taken as UTF-8. No piece ends inside a character.</summary>
    /// <inheritdoc cref="ReadResultAsync" path="/*[not(self::summary) and not(self::returns)]"/>
    /// <returns>The pieces, in order; none is empty.</returns>
    public IAsyncEnumerable<string> ReadResultTextAsync(CancellationToken cancellationToken = default) => Result.ReadTextAsync(cancellationToken);

    /// <summary>Opens the result as a stream that can be read while the job is still writing it, as <see cref="ReadResultAsync"/> does.</summary>
    /// <returns>A stream to be read forward and asynchronously, by one reader at a time; dispose it. Its reads end in the exceptions of <see cref="ReadResultAsync"/>, and again in the same one when they are repeated.</returns>
    public Stream OpenResultStream() => new ResultByteStream(token => Result.ReadAsync(token));

    /// <summary>Watches a child job (§10), from its first event on.</summary>
    /// <remarks>
    /// The children of a job that this session has submitted are followed anyway until the job's last view is disposed, and opened at once. Any other child is subscribed to (§7.6).
    /// What is kept of the events of all children, and their children, is bounded by <see cref="ArcpClientOptions.MaxEventBytesPerJob"/> together; their streamed results are not buffered.
    /// </remarks>
    /// <param name="childId">One of <see cref="Children"/>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ArgumentException">The job has announced no such child.</exception>
    /// <exception cref="ArcpException">The runtime has refused the subscription; or <c>subscribe</c> is not negotiated (<c>INVALID_REQUEST</c>).</exception>
    /// <exception cref="ArcpConnectionException">The connection is lost for good, or closed.</exception>
    /// <exception cref="TimeoutException">No answer came within <see cref="ArcpClientOptions.RequestTimeout"/>.</exception>
    /// <exception cref="ObjectDisposedException">The view was disposed.</exception>
    public async Task<ChildJob> OpenChildAsync(JobId childId, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _isDisposed) != 0, this);
        DelegateEvent child = Tracker.Children.Find(childId) ?? throw new ArgumentException($"Job {Id} has announced no child job {childId}.", nameof(childId));
        return new ChildJob(Session, await Session.OpenChildAsync(childId, cancellationToken).ConfigureAwait(false), Id, child, _json);
    }

    /// <summary>Tells somebody of every <c>progress</c> event of the job, as <see cref="Events"/> gives them, until the job has ended.</summary>
    /// <param name="progress">Who is told; called one event after the other.</param>
    /// <param name="cancellationToken">Ends the reports, not the job.</param>
    /// <returns>Ends when the job has, however it ended; await it beside the result.</returns>
    /// <exception cref="ArcpConnectionException">The connection is lost for good, or the client closed, before the job's end.</exception>
    /// <exception cref="EventsDroppedException">The reports were so slow that events are no longer kept.</exception>
    /// <exception cref="ObjectDisposedException">The view was disposed before the job's end.</exception>
    public async Task ReportProgressAsync(IProgress<ProgressEvent> progress, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(progress);
        await foreach (JobEvent entry in ReadEventsAsync(_after, cancellationToken).ConfigureAwait(false))
        {
            if (entry.Body is ProgressEvent step)
            {
                progress.Report(step);
            }
        }
    }

    /// <summary>Stops listening: the job runs on, its further events are dropped, and whoever waits here gets an <see cref="ObjectDisposedException"/>. What is known of the job stays readable.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            Session.Release(Tracker);
            await _disposal.CancelAsync().ConfigureAwait(false);
        }

        GC.SuppressFinalize(this);
    }

    // A result begins with the first chunk, wherever the view's events do.
    private ResultReader Result => new(Tracker, token => ReadEventsAsync(after: 0, token));

    private protected Task<JobStatus> CancelJobAsync(string? reason, CancellationToken cancellationToken) =>
        UntilDisposedAsync(token => Session.CancelAsync(Tracker, reason, token), Tracker.Ended.IsCompleted, cancellationToken);

    private async IAsyncEnumerable<JobEvent> ReadEventsAsync(long after, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _disposal.Token);
        var reader = new EventReader(Tracker.Events, after);
        while (await NextAsync(reader, either.Token, cancellationToken).ConfigureAwait(false))
        {
            foreach (JobEvent entry in reader.Batch)
            {
                if (either.IsCancellationRequested)
                {
                    throw Ended(cancellationToken);
                }

                yield return entry;
            }
        }
    }

    private async ValueTask<bool> NextAsync(EventReader reader, CancellationToken either, CancellationToken cancellationToken)
    {
        try
        {
            return await reader.NextAsync(either).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            throw Ended(cancellationToken);
        }
    }

    // What is known already is given out even by a disposed handle.
    private protected async Task<T> UntilDisposedAsync<T>(Func<CancellationToken, Task<T>> wait, bool isKnown, CancellationToken cancellationToken)
    {
        if (isKnown)
        {
            return await wait(cancellationToken).ConfigureAwait(false);
        }

        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _disposal.Token);
        try
        {
            return await wait(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (either.IsCancellationRequested)
        {
            throw Ended(cancellationToken);
        }
    }

    private Exception Ended(CancellationToken cancellationToken) => cancellationToken.IsCancellationRequested
        ? new OperationCanceledException(cancellationToken)
        : new ObjectDisposedException(GetType().Name, $"The view of job {Id} was disposed before the job's end.");
}
