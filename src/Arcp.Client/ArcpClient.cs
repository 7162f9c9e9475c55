using System.Diagnostics.CodeAnalysis;
using System.Net.WebSockets;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Arcp.Client.Connections;
using Arcp.Client.Jobs;
using Arcp.Client.Requests;
using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Messages;
using Arcp.Core.Serialization;
using Arcp.Core.Transports;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Arcp.Client;

/// <summary>A session with a runtime: submits jobs and follows them.</summary>
/// <remarks>
/// <para>
/// Thread-safe; any number of requests may be under way. When the connection is lost the client makes another one and resumes the session (§6.3):
/// handles go on as if nothing had happened, requests wait, a submit with an idempotency key is repeated, and one without, whose answer was lost,
/// fails with <see cref="ArcpConnectionException.IsOutcomeUnknown"/>. <see cref="State"/> tells where the connection stands, <see cref="ReconnectOptions"/> how hard the client tries.
/// When the session cannot be resumed a new one is opened, and handles go on with subscriptions from where they stood.
/// </para>
/// <para>
/// Lives until it is disposed or gives up; then everybody who waits gets an <see cref="ArcpConnectionException"/>.
/// Runtimes of this project let jobs run on when a client leaves; some others cancel them.
/// </para>
/// </remarks>
public sealed class ArcpClient : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly ClientSession _session;
    private readonly JsonSerializerOptions? _json;
    private Task? _closing;

    private ArcpClient(ClientSession session, JsonSerializerOptions? json)
    {
        _session = session;
        _json = json;
    }

    /// <summary>The session's id; another one after a session that could not be resumed.</summary>
    public SessionId SessionId => _session.Welcomed.SessionId;

    /// <summary>Who the runtime says it is; name and version may be absent.</summary>
    public RuntimeInfo Runtime => _session.Welcomed.Runtime;

    /// <summary>The optional parts of the protocol that both sides do (§6.2).</summary>
    public Features Features => _session.Welcomed.Features;

    /// <summary>The agents that the runtime offered in its last welcome (§7.5).</summary>
    public IReadOnlyList<AgentInfo> Agents => _session.Welcomed.Agents;

    /// <summary>Where the connection stands.</summary>
    public ConnectionState State => _session.States.Current;

    /// <summary>The state of the connection and every one that follows, to the final one. Any number of consumers may enumerate, each at its own pace; none holds up the client.</summary>
    public IAsyncEnumerable<ConnectionState> States => _session.States.ReadAsync();

    /// <summary>
    /// What the runtime sends that belongs to no handle: errors that answer no request, and frames of jobs that nobody knows. While a job runs that may have child jobs, such frames wait for its announcement of them (§10).
    /// At most <see cref="ArcpClientOptions.MaxUnclaimedMessages"/> are kept, the newest. Each message is given out once: consumers share them. Ends with the client.
    /// </summary>
    public IAsyncEnumerable<Envelope> UnclaimedMessages => _session.Unclaimed.ReadAllAsync();

    /// <summary>The tables' sizes; for tests that look for leaks.</summary>
    internal (int Requests, int Jobs) Counts => _session.Counts;

    /// <summary>Opens a session over a WebSocket (§4).</summary>
    /// <param name="uri">Where the runtime listens; <c>ws</c>, <c>wss</c>, <c>http</c> or <c>https</c>, usually with the path <c>/arcp</c>.</param>
    /// <param name="options">How to connect; null = the defaults.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="ArcpException">The runtime has refused the session, for example with <c>UNAUTHENTICATED</c> (§6.1).</exception>
    /// <exception cref="ArcpConnectionException">No connection came about, it ended before the welcome, or the handshake took too long.</exception>
    /// <exception cref="ArgumentException">The uri or an option is not usable.</exception>
    public static Task<ArcpClient> ConnectAsync(Uri uri, ArcpClientOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(uri);
        Action<ClientWebSocketOptions>? configure = options?.ConfigureWebSocket;
        return ConnectAsync(async token => await WebSocketTransport.ConnectAsync(uri, configure, token).ConfigureAwait(false), options, cancellationToken);
    }

    /// <summary>Opens a session over a transport of your own: standard input and output, a pipe, memory.</summary>
    /// <param name="transportFactory">Opens the transport; it has to observe its token. The client owns and disposes the transport.</param>
    /// <param name="options">How to connect; null = the defaults.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="ArcpException">The runtime has refused the session, for example with <c>UNAUTHENTICATED</c> (§6.1).</exception>
    /// <exception cref="ArcpConnectionException">No connection came about, it ended before the welcome, or the handshake took too long.</exception>
    /// <exception cref="ArgumentException">An option is not usable.</exception>
    public static async Task<ArcpClient> ConnectAsync(
        Func<CancellationToken, ValueTask<ITransport>> transportFactory,
        ArcpClientOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(transportFactory);
        options = (options ?? new ArcpClientOptions()).Validated();
        ILogger logger = (options.LoggerFactory ?? NullLoggerFactory.Instance).CreateLogger("Arcp.Client");
        var dialer = new SessionDialer(transportFactory, options, logger);
        (ClientConnection connection, WelcomedSession welcomed) = await dialer.DialAsync(resume: null, cancellationToken).ConfigureAwait(false);

        var unclaimed = new UnclaimedMessages(options.MaxUnclaimedMessages);
        var dispatcher = new FrameDispatcher(LimitsOf(options), unclaimed, logger);
        var restorer = new SessionRestorer(dispatcher, options, logger);
        var supervisor = new SessionSupervisor(dialer, dispatcher, restorer, options, logger);
        var client = new ArcpClient(new ClientSession(supervisor, dispatcher, restorer, options), options.JsonSerializerOptions);
        supervisor.Start(connection, welcomed);
        return client;
    }

    /// <summary>Submits a job whose input is JSON as it stands (§7.1).</summary>
    /// <param name="agent">The agent's name, or <c>name@version</c>.</param>
    /// <param name="input">The input, passed through unchanged; null = none.</param>
    /// <param name="options">What else to ask for.</param>
    /// <param name="cancellationToken">Ends the wait. A submit that has been sent by then may still become a job; with an idempotency key it can be repeated.</param>
    /// <returns>The job's handle, from its acceptance on.</returns>
    /// <exception cref="ArcpException">The runtime has refused, with the code of §12; or something is asked for whose feature is not negotiated (<c>INVALID_REQUEST</c>): then nothing is sent.</exception>
    /// <exception cref="ArcpConnectionException">The connection is lost or closed; <see cref="ArcpConnectionException.IsOutcomeUnknown"/> tells whether a job may run.</exception>
    /// <exception cref="TimeoutException">No answer came within <see cref="ArcpClientOptions.RequestTimeout"/>; a job may run.</exception>
    /// <exception cref="ArgumentException">The agent or an option is not usable, for example a lease that breaks the grammar (§9); nothing is sent.</exception>
    public async Task<JobHandle> SubmitAsync(string agent, RawJson? input = null, SubmitOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new SubmitOptions();
        JobSubmit message = options.ToMessage(agent, input, Features);
        return new JobHandle(_session, await _session.SubmitAsync(message, options, cancellationToken).ConfigureAwait(false), _json);
    }

    /// <summary>Submits a job whose input is written with reflection and <see cref="ArcpClientOptions.JsonSerializerOptions"/>.</summary>
    /// <typeparam name="TInput">The input's type.</typeparam>
    /// <param name="agent">The agent's name, or <c>name@version</c>.</param>
    /// <param name="input">The input.</param>
    /// <param name="options">What else to ask for.</param>
    /// <param name="cancellationToken">Ends the wait. A submit that has been sent by then may still become a job; with an idempotency key it can be repeated.</param>
    /// <returns>The job's handle, from its acceptance on.</returns>
    /// <exception cref="ArcpException">The runtime has refused, with the code of §12; or something is asked for whose feature is not negotiated (<c>INVALID_REQUEST</c>): then nothing is sent.</exception>
    /// <exception cref="ArcpConnectionException">The connection is lost or closed; <see cref="ArcpConnectionException.IsOutcomeUnknown"/> tells whether a job may run.</exception>
    /// <exception cref="TimeoutException">No answer came within <see cref="ArcpClientOptions.RequestTimeout"/>; a job may run.</exception>
    /// <exception cref="ArgumentException">The agent or an option is not usable, for example a lease that breaks the grammar (§9); nothing is sent.</exception>
    [RequiresUnreferencedCode("Uses reflection; pass a JsonTypeInfo when trimming.")]
    [RequiresDynamicCode("Uses reflection; pass a JsonTypeInfo under native AOT.")]
    public Task<JobHandle> SubmitAsync<TInput>(string agent, TInput input, SubmitOptions? options = null, CancellationToken cancellationToken = default) =>
        SubmitAsync(agent, RawJson.From(input, _json), options, cancellationToken);

    /// <summary>Submits a job whose input is written with the given contract; works under native AOT.</summary>
    /// <typeparam name="TInput">The input's type.</typeparam>
    /// <param name="agent">The agent's name, or <c>name@version</c>.</param>
    /// <param name="input">The input.</param>
    /// <param name="typeInfo">How to write it.</param>
    /// <param name="options">What else to ask for.</param>
    /// <param name="cancellationToken">Ends the wait. A submit that has been sent by then may still become a job; with an idempotency key it can be repeated.</param>
    /// <returns>The job's handle, from its acceptance on.</returns>
    /// <exception cref="ArcpException">The runtime has refused, with the code of §12; or something is asked for whose feature is not negotiated (<c>INVALID_REQUEST</c>): then nothing is sent.</exception>
    /// <exception cref="ArcpConnectionException">The connection is lost or closed; <see cref="ArcpConnectionException.IsOutcomeUnknown"/> tells whether a job may run.</exception>
    /// <exception cref="TimeoutException">No answer came within <see cref="ArcpClientOptions.RequestTimeout"/>; a job may run.</exception>
    /// <exception cref="ArgumentException">The agent or an option is not usable, for example a lease that breaks the grammar (§9); nothing is sent.</exception>
    [OverloadResolutionPriority(-1)] // a bare new() in this place means the options
    public Task<JobHandle> SubmitAsync<TInput>(string agent, TInput input, JsonTypeInfo<TInput> typeInfo, SubmitOptions? options = null, CancellationToken cancellationToken = default) =>
        SubmitAsync(agent, RawJson.From(input, typeInfo), options, cancellationToken);

    /// <summary>Watches a job (§7.6), whoever has submitted it. Of a job that this client follows already nothing comes twice: the subscription shares what the first view has.</summary>
    /// <param name="jobId">The job.</param>
    /// <param name="options">Which part of its past is wanted; null = none.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The job, from the runtime's consent on.</returns>
    /// <exception cref="ArcpException">The runtime has refused, for example with <c>JOB_NOT_FOUND</c> or <c>PERMISSION_DENIED</c>; or <c>subscribe</c> is not negotiated (<c>INVALID_REQUEST</c>).</exception>
    /// <exception cref="ArcpConnectionException">The connection is lost for good, or closed.</exception>
    /// <exception cref="TimeoutException">No answer came within <see cref="ArcpClientOptions.RequestTimeout"/>.</exception>
    /// <exception cref="ArgumentException">An option is not usable.</exception>
    public async Task<Subscription> SubscribeAsync(JobId jobId, SubscribeOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(jobId.Value, nameof(jobId));
        Observation observation = await _session.SubscribeAsync(jobId, options?.After, options?.BufferResult ?? true, cancellationToken).ConfigureAwait(false);
        return new Subscription(_session, observation, _json);
    }

    /// <summary>Lists the jobs that the principal may observe (§6.6), newest last. Pages are fetched as the enumeration comes to them.</summary>
    /// <param name="filter">Which jobs; null = all.</param>
    /// <param name="cancellationToken">Ends the enumeration.</param>
    /// <exception cref="ArcpException">The runtime has refused; or <c>list_jobs</c> is not negotiated (<c>INVALID_REQUEST</c>).</exception>
    /// <exception cref="ArcpConnectionException">The connection is lost for good, or closed.</exception>
    /// <exception cref="TimeoutException">A page has not come within <see cref="ArcpClientOptions.RequestTimeout"/>.</exception>
    /// <exception cref="ArgumentException">A condition is not usable.</exception>
    public IAsyncEnumerable<JobSummary> ListJobsAsync(JobListFilter? filter = null, CancellationToken cancellationToken = default) =>
        ReadPagesAsync((filter ?? new JobListFilter()).ToMessage(), cancellationToken);

    /// <summary>Closes the session in order (§6.7): says goodbye, waits for the runtime to do so too, and ends the connection. Closing again joins the close that is under way.</summary>
    /// <param name="reason">Why, for the runtime's log.</param>
    /// <param name="cancellationToken">Ends the wait; the close goes on and is awaited by <see cref="DisposeAsync"/>.</param>
    public Task CloseAsync(string? reason = null, CancellationToken cancellationToken = default)
    {
        Task closing;
        lock (_gate)
        {
            closing = _closing ??= _session.CloseAsync(reason);
        }

        return closing.WaitAsync(cancellationToken);
    }

    /// <summary>Closes the session as <see cref="CloseAsync"/> does, at most twice <see cref="ArcpClientOptions.CloseTimeout"/> long. May be called at any time, more than once and from any thread.</summary>
    public async ValueTask DisposeAsync() => await CloseAsync().ConfigureAwait(false);

    private static TrackerLimits LimitsOf(ArcpClientOptions options) => new(
        options.MaxResultBytes,
        new EventLimits(options.MaxEventsPerJob, options.MaxEventBytesPerJob, () => new EventsDroppedException(
            $"The consumer is further behind than what is kept of a job's events: {options.MaxEventsPerJob} events, {options.MaxEventBytesPerJob} bytes.")),
        options.MaxChildrenPerJob);

    private async IAsyncEnumerable<JobSummary> ReadPagesAsync(SessionListJobs message, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            SessionJobs page = await _session.ListAsync(message, cancellationToken).ConfigureAwait(false);
            foreach (JobSummary job in page.Jobs ?? [])
            {
                yield return job;
            }

            if (string.IsNullOrEmpty(page.NextCursor))
            {
                yield break;
            }

            if (page.NextCursor == message.Cursor)
            {
                throw new ArcpException(ErrorCode.InternalError, "The runtime's listing does not move on: a page names itself as the next one.", retryable: false);
            }

            message = message with { Cursor = page.NextCursor };
        }
    }
}
