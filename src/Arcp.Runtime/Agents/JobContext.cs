using System.Collections.ObjectModel;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Arcp.Core;
using Arcp.Core.Events;
using Arcp.Core.Ids;
using Arcp.Core.Leases;
using Arcp.Core.Messages;
using Arcp.Runtime.Authentication;
using Arcp.Runtime.Jobs;

namespace Arcp.Runtime.Agents;

/// <summary>What an agent knows of its job and may do.</summary>
/// <remarks>
/// Thread-safe. Emitting waits while a connected submitter is far behind (§14). Each emitting method ends with <see cref="OperationCanceledException"/> when the job has ended (§7.3):
/// nothing of it is shown to anybody, and an agent that goes on is unwound.
/// </remarks>
public sealed class JobContext : EventEmitter
{
    private readonly JobScope _scope;
    private readonly JobAuthority _authority;

    // Most jobs need none of these.
    private ToolActivities? _reportedCalls;
    private Delegation? _delegation;
    private ResultStream? _resultStream;

    internal JobContext(Job job, AgentEnvironment environment, JobScope scope, RawJson input)
    {
        _scope = scope;
        _authority = new JobAuthority(job, environment);
        Input = input;
    }

    /// <summary>The job.</summary>
    public JobId JobId => Job.Spec.Id;

    /// <summary>The session that submitted it.</summary>
    public SessionId SessionId => Job.Spec.SubmittedBy;

    /// <summary>The job that this one belongs to, when there is one.</summary>
    public JobId? ParentJobId => Job.Spec.ParentId;

    /// <summary>On whose behalf it runs.</summary>
    public Principal Principal => Job.Spec.Principal;

    /// <summary>The agent's name.</summary>
    public string AgentName => Job.Spec.Agent.Name;

    /// <summary>The agent's version.</summary>
    public string AgentVersion => Job.Spec.Agent.Version;

    /// <summary>The input, unchanged; the JSON value null when there is none.</summary>
    public RawJson Input { get; }

    /// <summary>What the job may do.</summary>
    public Lease Lease => Job.Spec.Lease;

    /// <summary>The trace (§11).</summary>
    public TraceContext Trace => Job.Spec.Trace;

    /// <summary>Cancelled when the job has ended without the agent, or the runtime shuts down.</summary>
    public CancellationToken CancellationToken => Job.Stopping;

    /// <summary>The job's own scope of the host's services, gone when the agent has returned; empty when the runtime was built without a container.</summary>
    /// <exception cref="ObjectDisposedException">The agent has returned.</exception>
    public IServiceProvider Services => _scope.Services;

    /// <summary>Until when the lease holds (§9.5); null = without end.</summary>
    public DateTimeOffset? LeaseExpiresAt => Job.Spec.Guard.Expiry?.At;

    /// <summary>What is left of each budgeted currency (§9.6); empty without a budget. At or below 0 it is used up.</summary>
    public IReadOnlyDictionary<string, decimal> RemainingBudget => Job.Spec.Guard.Budget.Remaining ?? ReadOnlyDictionary<string, decimal>.Empty;

    /// <summary>What was lent to the job (§9.8), with the values that hold now; empty when nothing was. Secrets.</summary>
    public IReadOnlyList<ProvisionedCredential> Credentials => Job.Spec.Credentials.Current;

    internal JsonSerializerOptions? JsonSerializerOptions => Environment.Options.JsonSerializerOptions;

    private Job Job => _authority.Job;

    private AgentEnvironment Environment => _authority.Environment;

    private ToolCalls ToolCalls => new(Job, _authority, Environment);

    /// <inheritdoc/>
    public override ValueTask EmitAsync(EventBody body)
    {
        ArgumentNullException.ThrowIfNull(body);
        if (EventRules.FindError(body) is { } error)
        {
            throw new ArgumentException(error, nameof(body));
        }

        return body is MetricEvent metric ? _authority.EmitAsync(metric) : Job.EmitAsync(body);
    }

    /// <summary>Asks whether the lease allows an operation, before its side effect: expiry, then budgets, then pattern (§9).</summary>
    /// <param name="name">The namespace, for example <c>fs.read</c>; see <see cref="LeaseNamespaces"/>.</param>
    /// <param name="target">What the operation is on: a path, a URL, a name.</param>
    /// <exception cref="ArcpException"><c>LEASE_EXPIRED</c>, <c>BUDGET_EXHAUSTED</c> or <c>PERMISSION_DENIED</c>.</exception>
    public ValueTask AuthorizeAsync(string name, string target) =>
        TryAuthorize(name, target, out ArcpException? denial) ? ValueTask.CompletedTask : ValueTask.FromException(denial);

    /// <summary>Asks like <see cref="AuthorizeAsync"/>, without an exception.</summary>
    /// <param name="name">The namespace.</param>
    /// <param name="target">What the operation is on.</param>
    /// <param name="denial">Why not.</param>
    public bool TryAuthorize(string name, string target, [NotNullWhen(false)] out ArcpException? denial)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(target);
        denial = _authority.FindDenial(name, target);
        return denial is null;
    }

    /// <summary>Asks whether the job may use a model (§9.7).</summary>
    /// <param name="model">The model's name.</param>
    /// <exception cref="ArcpException">As <see cref="AuthorizeAsync"/>.</exception>
    public ValueTask AuthorizeModelAsync(string model) => AuthorizeAsync(LeaseNamespaces.ModelUse, model);

    /// <summary>Reports a cost as the metric <c>cost.</c><paramref name="name"/>. In a budgeted currency it is counted, also beyond what is left (§9.6).</summary>
    /// <param name="amount">The cost, exact; at least 0.</param>
    /// <param name="currency">The currency, as the lease's budget names it.</param>
    /// <param name="name">What the cost is for; default <c>charge</c>.</param>
    /// <exception cref="ArgumentException">The amount is negative; nothing is counted.</exception>
    /// <exception cref="OperationCanceledException">The job has ended.</exception>
    public ValueTask ReportCostAsync(decimal amount, string currency, string name = "charge")
    {
        ArgumentException.ThrowIfNullOrEmpty(currency);
        ArgumentOutOfRangeException.ThrowIfNegative(amount);
        return EmitAsync(new MetricEvent { Name = $"cost.{name}", Value = amount, Unit = currency });
    }

    /// <summary>Calls a tool under the lease's <c>tool.call</c>: emits <c>tool_call</c>, asks the lease, runs the body, emits <c>tool_result</c> with its result or error.</summary>
    /// <param name="tool">The tool.</param>
    /// <param name="args">Its arguments, for those who watch.</param>
    /// <param name="body">Does it; runs only when it is allowed.</param>
    /// <returns>What the body returned.</returns>
    /// <exception cref="ArcpException">The lease denies it; or the body threw it, or an exception that the host translates.</exception>
    /// <exception cref="OperationCanceledException">The job has ended.</exception>
    public Task<RawJson> CallToolAsync(string tool, RawJson? args, Func<CancellationToken, Task<RawJson>> body)
    {
        ArgumentNullException.ThrowIfNull(tool);
        ArgumentNullException.ThrowIfNull(body);
        return ToolCalls.CallAsync(tool, args, body, static result => result);
    }

    /// <summary>Calls a tool that has no result: watchers see null. See <see cref="CallToolAsync(string, RawJson?, Func{CancellationToken, Task{RawJson}})"/>.</summary>
    /// <param name="tool">The tool.</param>
    /// <param name="args">Its arguments, for those who watch.</param>
    /// <param name="body">Does it; runs only when it is allowed.</param>
    public Task CallToolAsync(string tool, RawJson? args, Func<CancellationToken, Task> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return CallToolAsync(tool, args, async Task<RawJson> (cancellationToken) =>
        {
            await body(cancellationToken).ConfigureAwait(false);
            return RawJson.Null;
        });
    }

    /// <summary>Calls a tool whose result has a type; see <see cref="CallToolAsync(string, RawJson?, Func{CancellationToken, Task{RawJson}})"/>.</summary>
    /// <typeparam name="TResult">The result.</typeparam>
    /// <param name="tool">The tool.</param>
    /// <param name="args">Its arguments, for those who watch.</param>
    /// <param name="body">Does it; runs only when it is allowed.</param>
    /// <param name="resultTypeInfo">How to write the result.</param>
    public Task<TResult> CallToolAsync<TResult>(string tool, RawJson? args, Func<CancellationToken, Task<TResult>> body, JsonTypeInfo<TResult> resultTypeInfo)
    {
        ArgumentNullException.ThrowIfNull(tool);
        ArgumentNullException.ThrowIfNull(body);
        ArgumentNullException.ThrowIfNull(resultTypeInfo);
        return ToolCalls.CallAsync(tool, args, body, result => RawJson.From(result, resultTypeInfo));
    }

    /// <summary>Delegates work to a child job (§10), with a part of this job's authority. Its budget is set aside here, and what it leaves comes back.</summary>
    /// <param name="agent">The child's agent: a name, or <c>name@version</c>. The lease's <c>agent.delegate</c> must allow it.</param>
    /// <param name="input">Its input.</param>
    /// <param name="lease">What it may do; null = nothing.</param>
    /// <param name="constraints">Until when; null = as long as this job's lease holds.</param>
    /// <returns>The child, which runs. It ends at the latest when this job does.</returns>
    /// <exception cref="ArcpException"><c>PERMISSION_DENIED</c>, <c>LEASE_SUBSET_VIOLATION</c>, <c>INVALID_REQUEST</c>, <c>AGENT_NOT_AVAILABLE</c> or another; nothing has happened.</exception>
    /// <exception cref="OperationCanceledException">The job has ended.</exception>
    public Task<DelegatedJob> DelegateAsync(string agent, RawJson? input = null, Lease? lease = null, LeaseConstraints? constraints = null)
    {
        ArgumentNullException.ThrowIfNull(agent);
        return Lazily(ref _delegation, static context => new Delegation(context.Job, context._authority, context.Environment)).StartAsync(agent, input ?? RawJson.Null, lease ?? Lease.Empty, constraints);
    }

    /// <summary>Opens the job's result as a stream, for results that are large or come piece by piece (§8.4). The agent then returns null.</summary>
    /// <param name="encoding">How the bytes stand in the chunks.</param>
    /// <returns>The stream, which <see cref="ResultStream.CompleteAsync"/> must end: a job whose result is left open fails.</returns>
    /// <exception cref="InvalidOperationException">It was opened before.</exception>
    public ResultStream OpenResultStream(ResultEncoding encoding = ResultEncoding.Utf8)
    {
        IResultSink sink = Job.Spec.StreamsResult ? new ChunkSink(Job, encoding, Environment.Clock) : new InlineSink(encoding);
        var stream = new ResultStream(sink, encoding, Environment.Options);
        return Interlocked.CompareExchange(ref _resultStream, stream, null) is null
            ? stream
            : throw new InvalidOperationException("A job has one result.");
    }

    /// <summary>Replaces the value of a credential (§9.8): the submitter's sessions are told the new one, the prior one is revoked.</summary>
    /// <param name="id">One of <see cref="Credentials"/>.</param>
    /// <param name="cancellationToken">Ends the attempt; then the old value holds.</param>
    /// <returns>The credential with its new value.</returns>
    /// <exception cref="ArcpException">There is no such credential, or the provisioner failed.</exception>
    /// <exception cref="OperationCanceledException">The job has ended; the new value is revoked.</exception>
    public Task<ProvisionedCredential> RotateCredentialAsync(CredentialId id, CancellationToken cancellationToken = default) =>
        Job.Spec.Credentials.RotateAsync(id, Job.Spec.Guard.Budget.Remaining, AnnounceRotation, cancellationToken);

    /// <summary>Reports that a tool is being called elsewhere. It asks no lease: to call a tool under the lease use <see cref="CallToolAsync(string, RawJson?, Func{CancellationToken, Task{RawJson}})"/>.</summary>
    /// <param name="tool">The tool.</param>
    /// <param name="args">Its arguments.</param>
    /// <param name="callId">Pairs the call with its result; null = a fresh one.</param>
    /// <returns>The call's id, for <see cref="ToolResultAsync"/> or <see cref="ToolErrorAsync"/>.</returns>
    public async ValueTask<string> ToolCallAsync(string tool, RawJson? args = null, string? callId = null)
    {
        callId ??= Ulid.MintWithPrefix("call_", Environment.Clock.GetUtcNow());
        await EmitAsync(new ToolCallEvent { Tool = tool, Args = args, CallId = callId }).ConfigureAwait(false);
        Lazily(ref _reportedCalls, static _ => new ToolActivities()).Begin(callId, tool);
        return callId;
    }

    /// <summary>Says what a tool returned.</summary>
    /// <param name="callId">The call.</param>
    /// <param name="result">What it returned; null = the JSON value null.</param>
    public ValueTask ToolResultAsync(string callId, RawJson? result)
    {
        _reportedCalls?.End(callId, error: null);
        return EmitAsync(new ToolResultEvent { CallId = callId, Result = result ?? RawJson.Null });
    }

    /// <summary>Says that a tool failed.</summary>
    /// <param name="callId">The call.</param>
    /// <param name="error">Why.</param>
    public ValueTask ToolErrorAsync(string callId, ArcpException error)
    {
        ArgumentNullException.ThrowIfNull(error);
        _reportedCalls?.End(callId, error.Code);
        return EmitAsync(ToolResultEvent.OfError(callId, error));
    }

    /// <summary>The agent has returned: ends what it left open.</summary>
    internal void End()
    {
        _authority.End();
        _reportedCalls?.EndAll();
    }

    /// <summary>What may be told of an exception; null = nothing (§12).</summary>
    internal ArcpException? Translate(Exception exception) => _authority.Translate(exception);

    /// <summary>How the job ends when its agent has returned.</summary>
    /// <param name="returned">What it returned.</param>
    internal JobOutcome Conclude(RawJson? returned) => (_resultStream, returned) switch
    {
        (null, _) => new JobOutcome.Succeeded(returned ?? RawJson.Null),
        ({ Outcome: null }, _) => new JobOutcome.Failed(ErrorCode.InternalError, "The agent did not complete its streamed result.", Retryable: false),
        (_, { } inline) when inline != RawJson.Null => new JobOutcome.Failed(ErrorCode.InternalError, "The agent both streamed and returned a result.", Retryable: false),
        ({ Outcome: { } streamed }, _) => streamed,
    };

    private T Lazily<T>(ref T? part, Func<JobContext, T> create)
        where T : class =>
        Volatile.Read(ref part) ?? Interlocked.CompareExchange(ref part, create(this), null) ?? part;

    private void AnnounceRotation(ProvisionedCredential credential)
    {
        var announcement = new StatusEvent { Phase = "credential_rotated", Id = credential.Id, CredentialId = credential.Id };
        if (!Job.TryEmitNow(announcement with { Value = credential.Value, CredentialValue = credential.Value }, publicForm: announcement))
        {
            throw new OperationCanceledException("The job has ended.", Job.Stopping);
        }
    }
}
