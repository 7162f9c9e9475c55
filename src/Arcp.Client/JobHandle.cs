using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Arcp.Client.Jobs;
using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Leases;
using Arcp.Core.Messages;

namespace Arcp.Client;

/// <summary>A job that this client has submitted: its events, its result, and the way to cancel it.</summary>
/// <remarks>
/// Thread-safe. The client keeps all events of the job until its handle is disposed, whether or not they are read, and keeps reading the
/// connection however slow a consumer is: dispose handles. Disposing stops listening and does not cancel the job.
/// </remarks>
public sealed class JobHandle : IAsyncDisposable
{
    private readonly ClientSession _session;
    private readonly JobTracker _tracker;
    private readonly JsonSerializerOptions? _json;
    private readonly CancellationTokenSource _disposal = new();
    private int _isDisposed;

    internal JobHandle(ClientSession session, JobTracker tracker, JsonSerializerOptions? json)
    {
        _session = session;
        _tracker = tracker;
        _json = json;
    }

    /// <summary>The job's id.</summary>
    public JobId Id => _tracker.Accepted.JobId;

    /// <summary>The agent as the runtime resolved it: <c>name@version</c>, or the bare name without <c>agent_versions</c> (§7.5). Empty when the runtime does not say.</summary>
    public string Agent => _tracker.Accepted.Agent ?? string.Empty;

    /// <summary>What the job may do (§9); possibly nothing.</summary>
    public Lease Lease => _tracker.Accepted.Lease ?? Lease.Empty;

    /// <summary>Until when the lease holds (§9.5), when it ends.</summary>
    public LeaseConstraints? LeaseConstraints => _tracker.Accepted.LeaseConstraints;

    /// <summary>The amount of each budgeted currency at acceptance (§9.6), when there are any.</summary>
    public IReadOnlyDictionary<string, decimal>? Budget => _tracker.Accepted.Budget;

    /// <summary>The credentials lent to the job at acceptance (§9.8). Secrets.</summary>
    public IReadOnlyList<ProvisionedCredential> Credentials => _tracker.Accepted.Credentials ?? [];

    /// <summary>When the job was accepted, by the runtime's clock, when it says so.</summary>
    public DateTimeOffset? AcceptedAt => _tracker.Accepted.AcceptedAt;

    /// <summary>The job's parent, when it has one.</summary>
    public JobId? ParentJobId => _tracker.Accepted.ParentJobId;

    /// <summary>The job's trace (§11).</summary>
    public TraceContext? Trace => _tracker.Trace;

    /// <summary>The job's state, as far as this client has heard (§7.3).</summary>
    public JobStatus Status => _tracker.Status;

    /// <summary>
    /// All events of the job, in order. Every enumeration starts with the first event that came for this handle and ends when the job has ended,
    /// however it ended: <see cref="GetResultAsync(CancellationToken)"/> says how.
    /// </summary>
    /// <remarks>
    /// Any number of consumers may enumerate at the same time, early or late. Unknown kinds come as <see cref="Core.Events.RawEvent"/>.
    /// A lost connection ends the enumeration with <see cref="ArcpConnectionException"/> behind the last event, disposing the handle with <see cref="ObjectDisposedException"/>.
    /// </remarks>
    public IAsyncEnumerable<JobEvent> Events => ReadEventsAsync();

    /// <summary>Waits for the job's end and returns its result as one JSON value.</summary>
    /// <param name="cancellationToken">Ends the wait, not the job.</param>
    /// <returns>The result; a streamed one as <see cref="JobOutcome.ToJson"/> describes. A null result is the JSON value null.</returns>
    /// <exception cref="ArcpException">The job has ended without success, with the code of §12; or its streamed result broke the rules of §8.4.</exception>
    /// <exception cref="ArcpConnectionException">The connection is lost or closed before the job's end.</exception>
    /// <exception cref="ObjectDisposedException">The handle was disposed before the job's end.</exception>
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
    /// <exception cref="ObjectDisposedException">The handle was disposed before the job's end.</exception>
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
    /// <exception cref="ObjectDisposedException">The handle was disposed before the job's end.</exception>
    public async Task<T> GetResultAsync<T>(JsonTypeInfo<T> typeInfo, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(typeInfo);
        return (await GetOutcomeAsync(cancellationToken).ConfigureAwait(false)).Read(typeInfo);
    }

    /// <summary>Waits for the job's end and returns all that it returned: value or stream, and the summary.</summary>
    /// <param name="cancellationToken">Ends the wait, not the job.</param>
    /// <exception cref="ArcpException">The job has ended without success, with the code of §12; or its streamed result broke the rules of §8.4.</exception>
    /// <exception cref="ArcpConnectionException">The connection is lost or closed before the job's end.</exception>
    /// <exception cref="ObjectDisposedException">The handle was disposed before the job's end.</exception>
    public async Task<JobOutcome> GetOutcomeAsync(CancellationToken cancellationToken = default)
    {
        JobEnding ending = await UntilDisposedAsync(token => _tracker.Result.WaitAsync(token), _tracker.Result.IsCompleted, cancellationToken).ConfigureAwait(false);
        return ending.Failure is { } failure ? throw failure() : new JobOutcome(ending);
    }

    /// <summary>Asks the runtime to cancel the job and waits until it has ended (§7.4).</summary>
    /// <param name="reason">Why; for the runtime's and the agent's eyes.</param>
    /// <param name="cancellationToken">Ends the wait; a request that has been sent stays in force.</param>
    /// <returns>How the job ended: <c>cancelled</c>, or something else when that came first. A job that has ended already is not asked again.</returns>
    /// <exception cref="ArcpException">The runtime has refused, for example with <c>PERMISSION_DENIED</c>.</exception>
    /// <exception cref="ArcpConnectionException">The connection is lost or closed.</exception>
    /// <exception cref="TimeoutException">The job has not ended within <see cref="ArcpClientOptions.RequestTimeout"/>.</exception>
    /// <exception cref="ObjectDisposedException">The handle was disposed.</exception>
    public Task<JobStatus> CancelAsync(string? reason = null, CancellationToken cancellationToken = default) =>
        UntilDisposedAsync(token => _session.CancelAsync(_tracker, reason, token), _tracker.Ended.IsCompleted, cancellationToken);

    /// <summary>Stops listening: the job runs on, its further events are dropped, and whoever waits on this handle gets an <see cref="ObjectDisposedException"/>. What is known of the job stays readable.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            _session.Release(_tracker);
            await _disposal.CancelAsync().ConfigureAwait(false);
        }
    }

    private async IAsyncEnumerable<JobEvent> ReadEventsAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _disposal.Token);
        IAsyncEnumerator<JobEvent> events = _tracker.Events.ReadAsync(either.Token).GetAsyncEnumerator(CancellationToken.None);
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
    private async Task<T> UntilDisposedAsync<T>(Func<CancellationToken, Task<T>> wait, bool isKnown, CancellationToken cancellationToken)
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

    private ObjectDisposedException Disposed() => new(nameof(JobHandle), $"The handle of job {Id} was disposed before the job's end.");
}
