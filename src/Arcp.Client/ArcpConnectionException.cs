namespace Arcp.Client;

/// <summary>There is no connection to the runtime: it could not be made, it was lost, or the client was closed. What the runtime says about a request or a job is an <see cref="Core.ArcpException"/> instead.</summary>
/// <remarks>When the runtime said why it ended the connection, <see cref="Exception.InnerException"/> is the <see cref="Core.ArcpException"/> with its code.</remarks>
public sealed class ArcpConnectionException : IOException
{
    /// <summary>Creates the error.</summary>
    /// <param name="message">What happened.</param>
    /// <param name="innerException">The cause, when there is one.</param>
    /// <param name="isOutcomeUnknown">Whether the runtime may have acted on what was waited for.</param>
    public ArcpConnectionException(string message, Exception? innerException = null, bool isOutcomeUnknown = false)
        : base(message, innerException) => IsOutcomeUnknown = isOutcomeUnknown;

    /// <summary>
    /// True when the request had been sent, so that the runtime may have acted on it and a job may run; false when it certainly was not sent.
    /// A submit with an idempotency key can be repeated in either case (§7.2).
    /// </summary>
    public bool IsOutcomeUnknown { get; }
}
