using System.Text.Json.Serialization;

namespace Arcp.Core;

/// <summary>A job's state (§7.3). Unknown states of other runtimes keep their text.</summary>
[JsonConverter(typeof(JobStatusConverter))]
public readonly record struct JobStatus
{
    private readonly string? _value;

    /// <summary>Wraps a state as it stands on the wire; <c>timedout</c> is read as <c>timed_out</c>.</summary>
    /// <param name="value">The state.</param>
    public JobStatus(string value) => _value = value == "timedout" ? "timed_out" : value;

    /// <summary>The state as it stands on the wire.</summary>
    public string Value => _value ?? "pending";

    /// <summary>Accepted, its agent has not started.</summary>
    public static JobStatus Pending { get; } = new("pending");

    /// <summary>Its agent is at work.</summary>
    public static JobStatus Running { get; } = new("running");

    /// <summary>Ended with a result.</summary>
    public static JobStatus Success { get; } = new("success");

    /// <summary>Ended with an error.</summary>
    public static JobStatus Error { get; } = new("error");

    /// <summary>Ended by a cancel.</summary>
    public static JobStatus Cancelled { get; } = new("cancelled");

    /// <summary>Ended because it ran too long.</summary>
    public static JobStatus TimedOut { get; } = new("timed_out");

    /// <summary>Whether the job has ended.</summary>
    public bool IsTerminal => this == Success || this == Error || this == Cancelled || this == TimedOut;

    /// <summary>Two states are equal when their texts are.</summary>
    /// <param name="other">The other state.</param>
    public bool Equals(JobStatus other) => Value == other.Value;

    /// <inheritdoc/>
    public override int GetHashCode() => Value.GetHashCode(StringComparison.Ordinal);

    /// <inheritdoc/>
    public override string ToString() => Value;
}
