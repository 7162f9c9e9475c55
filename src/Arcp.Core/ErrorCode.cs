using System.Text.Json.Serialization;

namespace Arcp.Core;

/// <summary>An error code of §12. Unknown codes of other runtimes keep their text.</summary>
[JsonConverter(typeof(ErrorCodeConverter))]
public readonly record struct ErrorCode
{
    private readonly string? _value;

    /// <summary>Wraps a code as it stands on the wire.</summary>
    /// <param name="value">The code; an empty one counts as <c>INTERNAL_ERROR</c>.</param>
    public ErrorCode(string value) => _value = string.IsNullOrEmpty(value) ? null : value;

    /// <summary>The code as it stands on the wire, for example <c>INVALID_REQUEST</c>.</summary>
    public string Value => _value ?? "INTERNAL_ERROR";

    /// <summary>The principal, the session or the lease does not allow it.</summary>
    public static ErrorCode PermissionDenied { get; } = new("PERMISSION_DENIED");

    /// <summary>A child's lease asks for more than its parent's (§9.4).</summary>
    public static ErrorCode LeaseSubsetViolation { get; } = new("LEASE_SUBSET_VIOLATION");

    /// <summary>No such job, or none that this principal may know of.</summary>
    public static ErrorCode JobNotFound { get; } = new("JOB_NOT_FOUND");

    /// <summary>The idempotency key was used for another request (§7.2).</summary>
    public static ErrorCode DuplicateKey { get; } = new("DUPLICATE_KEY");

    /// <summary>No agent of that name. Retryable: agents come and go.</summary>
    public static ErrorCode AgentNotAvailable { get; } = new("AGENT_NOT_AVAILABLE");

    /// <summary>The agent exists, the version does not.</summary>
    public static ErrorCode AgentVersionNotAvailable { get; } = new("AGENT_VERSION_NOT_AVAILABLE");

    /// <summary>The job was cancelled.</summary>
    public static ErrorCode Cancelled { get; } = new("CANCELLED");

    /// <summary>The job ran longer than it was allowed to.</summary>
    public static ErrorCode Timeout { get; } = new("TIMEOUT");

    /// <summary>The session cannot be resumed (§6.3).</summary>
    public static ErrorCode ResumeWindowExpired { get; } = new("RESUME_WINDOW_EXPIRED");

    /// <summary>Nothing was received for two heartbeat intervals (§6.4). Retryable.</summary>
    public static ErrorCode HeartbeatLost { get; } = new("HEARTBEAT_LOST");

    /// <summary>The job's lease has expired (§9.5). Never retryable.</summary>
    public static ErrorCode LeaseExpired { get; } = new("LEASE_EXPIRED");

    /// <summary>A budget of the job's lease is used up (§9.6). Never retryable.</summary>
    public static ErrorCode BudgetExhausted { get; } = new("BUDGET_EXHAUSTED");

    /// <summary>The frame or one of its members is not what the protocol allows.</summary>
    public static ErrorCode InvalidRequest { get; } = new("INVALID_REQUEST");

    /// <summary>The peer has not proved who it is (§6.1).</summary>
    public static ErrorCode Unauthenticated { get; } = new("UNAUTHENTICATED");

    /// <summary>Something failed on the runtime's side. Retryable.</summary>
    public static ErrorCode InternalError { get; } = new("INTERNAL_ERROR");

    /// <summary>Whether the request may be repeated as it is, when the thrower does not say otherwise (§12).</summary>
    public bool IsRetryableByDefault =>
        this == InternalError || this == HeartbeatLost || this == AgentNotAvailable;

    /// <summary>Whether §12 forbids to call this error retryable, whatever the thrower says.</summary>
    public bool IsNeverRetryable => this == LeaseExpired || this == BudgetExhausted;

    /// <summary>Two codes are equal when their texts are.</summary>
    /// <param name="other">The other code.</param>
    public bool Equals(ErrorCode other) => Value == other.Value;

    /// <inheritdoc/>
    public override int GetHashCode() => Value.GetHashCode(StringComparison.Ordinal);

    /// <inheritdoc/>
    public override string ToString() => Value;
}
