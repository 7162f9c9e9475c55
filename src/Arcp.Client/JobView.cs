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

/// <summary>A job as this client sees it: what it may do, its events, its state and its result. Either a <see cref="JobHandle"/> or a <see cref="Subscription"/>.</summary>
/// <remarks>
/// Thread-safe. The client keeps reading the connection however slow a consumer is, and keeps the job's events until its last view is disposed, up to
/// <see cref="ArcpClientOptions.MaxEventsPerJob"/> and <see cref="ArcpClientOptions.MaxEventBytesPerJob"/>: dispose what you do not need any more.
/// Disposing stops listening and does not cancel the job. While the connection is lost and the client makes another one, everything waits.
/// </remarks>
public abstract class JobView : IAsyncDisposable
{
    private readonly JsonSerializerOptions? _json;
    private readonly long _after;
    private readonly CancellationTokenSource _disposal = new();
    private int _isDisposed;

    private protected JobView(ClientSession session, JobTracker tracker, long after, JsonSerializerOptions? json)
    {
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

    /// <summary>The credentials lent to the job, as of when the view began (§9.8); only its submitter's principal gets them. Secrets.</summary>
    public abstract IReadOnlyList<ProvisionedCredential> Credentials { get; }

    /// <summary>The job's parent, when it has one.</summary>
    public abstract JobId? ParentJobId { get; }

    /// <summary>The job's trace (§11).</summary>
    public TraceContext? Trace => Tracker.Trace;

    private protected ClientSession Session { get; }

    private protected JobTracker Tracker { get; }

    /// <summary>The job's state, as far as this client has heard (§7.3).</summary>
    public JobStatus Status => Tracker.Status;

    /// <summary>
    /// All events of the job, each once and in order. Every enumeration starts with the first event that this view was meant to have and ends when the job has ended,
    /// however it ended: <see cref="GetResultAsync(CancellationToken)"/> says how.
    /// </summary>
    /// <remarks>
    /// Any number of consumers may enumerate at the same time, early or late. Unknown kinds come as <see cref="RawEvent"/>.
    /// A connection that is lost and made again is not noticed. One that is lost for good ends the enumeration with <see cref="ArcpConnectionException"/> behind the last event,
    /// disposing the view with <see cref="ObjectDisposedException"/>, and being later than what is kept with <see cref="EventsDroppedException"/>.
    /// </remarks>
    public IAsyncEnumerable<JobEvent> Events => ReadEventsAsync();

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
    /// <exception cref="ArcpException">The job has ended without success, with the code of §12; or its streamed result broke the rules of §8.4.</exception>
    /// <exception cref="ArcpConnectionException">The connection is lost or closed before the job's end.</exception>
    /// <exception cref="ObjectDisposedException">The view was disposed before the job's end.</exception>
    public async Task<JobOutcome> GetOutcomeAsync(CancellationToken cancellationToken = default)
    {
        JobEnding ending = await UntilDisposedAsync(token => Tracker.Result.WaitAsync(token), Tracker.Result.IsCompleted, cancellationToken).ConfigureAwait(false);
        return ending.Failure is { } failure ? throw failure() : new JobOutcome(ending);
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
        await foreach (JobEvent entry in ReadEventsAsync(cancellationToken).ConfigureAwait(false))
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

    private async IAsyncEnumerable<JobEvent> ReadEventsAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _disposal.Token);
        IAsyncEnumerator<JobEvent> events = Tracker.Events.ReadAsync(_after, either.Token).GetAsyncEnumerator(CancellationToken.None);
        await using (events.ConfigureAwait(false))
        {
            while (await NextAsync(events, cancellationToken).ConfigureAwait(false))
            {
                yield return events.Current;
            }
        }
    }

    private async ValueTask<bool> NextAsync(IAsyncEnumerator<JobEvent> events, CancellationToken cancellationToken)
    {
        try
        {
            return await events.MoveNextAsync().ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw Disposed();
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
            cancellationToken.ThrowIfCancellationRequested();
            throw Disposed();
        }
    }

    private ObjectDisposedException Disposed() => new(GetType().Name, $"The view of job {Id} was disposed before the job's end.");
}
