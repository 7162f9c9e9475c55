using System.Text.Json;
using Arcp.Core;
using Arcp.Core.Events;
using Arcp.Core.Ids;
using Arcp.Core.Leases;
using Arcp.Runtime.Authentication;
using Arcp.Runtime.Jobs;

namespace Arcp.Runtime.Agents;

/// <summary>What an agent knows of its job and may do.</summary>
/// <remarks>
/// Thread-safe. Emitting waits while a connected submitter is far behind (§14). Each emitting method ends with <see cref="OperationCanceledException"/> when the job has ended (§7.3):
/// nothing of it is shown to anybody, and an agent that goes on is unwound.
/// </remarks>
public sealed class JobContext
{
    private readonly Job _job;
    private readonly TimeProvider _clock;
    private readonly ToolActivities _toolCalls;

    internal JobContext(Job job, AgentEnvironment environment, ToolActivities toolCalls)
    {
        _job = job;
        _clock = environment.Clock;
        _toolCalls = toolCalls;
        JsonSerializerOptions = environment.JsonSerializerOptions;
        Services = environment.Services;
    }

    /// <summary>The job.</summary>
    public JobId JobId => _job.Spec.Id;

    /// <summary>The session that submitted it.</summary>
    public SessionId SessionId => _job.Spec.SubmittedBy;

    /// <summary>The job that this one belongs to, when there is one.</summary>
    public JobId? ParentJobId => _job.Spec.ParentId;

    /// <summary>On whose behalf it runs.</summary>
    public Principal Principal => _job.Spec.Principal;

    /// <summary>The agent's name.</summary>
    public string AgentName => _job.Spec.AgentName;

    /// <summary>The agent's version.</summary>
    public string AgentVersion => _job.Spec.AgentVersion;

    /// <summary>The input, unchanged; the JSON value null when there is none.</summary>
    public RawJson Input => _job.Spec.Input;

    /// <summary>What the job may do.</summary>
    public Lease Lease => _job.Spec.Lease;

    /// <summary>The trace (§11).</summary>
    public TraceContext Trace => _job.Spec.Trace;

    /// <summary>Cancelled when the job has ended without the agent, or the runtime shuts down.</summary>
    public CancellationToken CancellationToken => _job.Stopping;

    /// <summary>The job's own scope of the host's services, gone when the agent has returned; empty when the runtime was built without a container.</summary>
    public IServiceProvider Services { get; }

    internal JsonSerializerOptions? JsonSerializerOptions { get; }

    /// <summary>Emits any event of §8.2, or a vendor's.</summary>
    /// <param name="body">The event. A <see cref="RawEvent"/> must be of a kind <c>x-vendor.*</c>.</param>
    /// <exception cref="ArgumentException">The event breaks its kind's rules.</exception>
    /// <exception cref="OperationCanceledException">The job has ended.</exception>
    public ValueTask EmitAsync(EventBody body)
    {
        ArgumentNullException.ThrowIfNull(body);
        if (EventRules.FindError(body) is { } error)
        {
            throw new ArgumentException(error, nameof(body));
        }

        return _job.EmitAsync(body);
    }

    /// <summary>Emits a line for people.</summary>
    /// <param name="message">The line.</param>
    /// <param name="level"><c>debug</c>, <c>info</c> (the default), <c>warn</c> or <c>error</c>.</param>
    /// <param name="attributes">Structured facts beside it, a JSON object.</param>
    public ValueTask LogAsync(string message, string level = "info", RawJson? attributes = null) =>
        EmitAsync(new LogEvent { Level = level, Message = message, Attributes = attributes });

    /// <summary>Emits a piece of reasoning.</summary>
    /// <param name="text">The text.</param>
    public ValueTask ThoughtAsync(string text) => EmitAsync(new ThoughtEvent { Text = text });

    /// <summary>Says that the job enters a phase.</summary>
    /// <param name="phase">The phase.</param>
    /// <param name="message">A line for people.</param>
    public ValueTask StatusAsync(string phase, string? message = null) => EmitAsync(new StatusEvent { Phase = phase, Message = message });

    /// <summary>Says how far the job has come.</summary>
    /// <param name="current">What is done; at least 0.</param>
    /// <param name="total">What there is to do.</param>
    /// <param name="units">What is counted.</param>
    /// <param name="message">A line for people.</param>
    public ValueTask ProgressAsync(double current, double? total = null, string? units = null, string? message = null) =>
        EmitAsync(new ProgressEvent { Current = current, Total = total, Units = units, Message = message });

    /// <summary>Emits a measurement.</summary>
    /// <param name="name">What is measured.</param>
    /// <param name="value">The value, decimal-exact.</param>
    /// <param name="unit">Its unit.</param>
    /// <param name="dimensions">What the value is about.</param>
    public ValueTask MetricAsync(string name, decimal value, string? unit = null, IReadOnlyDictionary<string, string>? dimensions = null) =>
        EmitAsync(new MetricEvent { Name = name, Value = value, Unit = unit, Dimensions = dimensions });

    /// <summary>Points at something the job has produced.</summary>
    /// <param name="uri">Where it is.</param>
    /// <param name="contentType">Its media type.</param>
    /// <param name="byteSize">Its size in bytes; at least 0.</param>
    /// <param name="sha256">Its SHA-256 as hexadecimal digits.</param>
    public ValueTask ArtifactAsync(string uri, string contentType, long? byteSize = null, string? sha256 = null) =>
        EmitAsync(new ArtifactRefEvent { Uri = uri, ContentType = contentType, ByteSize = byteSize, Sha256 = sha256 });

    /// <summary>Says that a tool is being called.</summary>
    /// <param name="tool">The tool.</param>
    /// <param name="args">Its arguments.</param>
    /// <param name="callId">Pairs the call with its result; null = a fresh one.</param>
    /// <returns>The call's id, for <see cref="ToolResultAsync"/> or <see cref="ToolErrorAsync"/>.</returns>
    public async ValueTask<string> ToolCallAsync(string tool, RawJson? args = null, string? callId = null)
    {
        callId ??= Ulid.MintWithPrefix("call_", _clock.GetUtcNow());
        await EmitAsync(new ToolCallEvent { Tool = tool, Args = args, CallId = callId }).ConfigureAwait(false);
        _toolCalls.Begin(callId, tool);
        return callId;
    }

    /// <summary>Says what a tool returned.</summary>
    /// <param name="callId">The call.</param>
    /// <param name="result">What it returned; null = the JSON value null.</param>
    public ValueTask ToolResultAsync(string callId, RawJson? result)
    {
        _toolCalls.End(callId, error: null);
        return EmitAsync(new ToolResultEvent { CallId = callId, Result = result ?? RawJson.Null });
    }

    /// <summary>Says that a tool failed.</summary>
    /// <param name="callId">The call.</param>
    /// <param name="error">Why.</param>
    public ValueTask ToolErrorAsync(string callId, ArcpException error)
    {
        ArgumentNullException.ThrowIfNull(error);
        _toolCalls.End(callId, error.Code);
        return EmitAsync(new ToolResultEvent
        {
            CallId = callId,
            Error = new ToolError { Code = error.Code, Message = error.Message, Retryable = error.Retryable },
        });
    }

    /// <summary>Emits an event of a vendor's kind, unchanged.</summary>
    /// <param name="kind"><c>x-vendor.</c> and a name.</param>
    /// <param name="body">The body.</param>
    public ValueTask VendorEventAsync(string kind, RawJson body) => EmitAsync(new RawEvent(kind, body));
}
