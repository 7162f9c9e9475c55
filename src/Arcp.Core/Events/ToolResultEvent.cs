using System.Text.Json.Serialization;

namespace Arcp.Core.Events;

/// <summary><c>tool_result</c>: a tool has answered: exactly one of <see cref="Result"/> and <see cref="Error"/>.</summary>
public sealed record ToolResultEvent : EventBody
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override string Kind => "tool_result";

    /// <summary>The call that is answered.</summary>
    public required string CallId { get; init; }

    /// <summary>What the tool returned, unchanged.</summary>
    public RawJson? Result { get; init; }

    /// <summary>Why the tool did not return.</summary>
    public ToolError? Error { get; init; }

    /// <summary>A tool's failure.</summary>
    /// <param name="callId">The call that failed.</param>
    /// <param name="error">Why.</param>
    public static ToolResultEvent OfError(string callId, ArcpException error)
    {
        ArgumentNullException.ThrowIfNull(error);
        return new() { CallId = callId, Error = new ToolError { Code = error.Code, Message = error.Message, Retryable = error.Retryable } };
    }
}

/// <summary>Why a tool call failed.</summary>
public sealed record ToolError
{
    /// <summary>The code.</summary>
    public required ErrorCode Code { get; init; }

    /// <summary>What went wrong.</summary>
    public string? Message { get; init; }

    /// <summary>Whether calling again may help.</summary>
    public bool? Retryable { get; init; }
}
