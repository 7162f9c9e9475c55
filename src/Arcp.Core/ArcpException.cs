
namespace Arcp.Core;

/// <summary>The one error of the protocol. Thrown by an agent, its code and message reach the peer; received from a peer, they are what it said.</summary>
/// <remarks>Of all exceptions only this one's message may leave the process: never put secrets or internals into it.</remarks>
public sealed class ArcpException : Exception
{
    /// <summary>Creates an error with a code of §12.</summary>
    /// <param name="code">The code.</param>
    /// <param name="message">What went wrong and, for bad input, what is accepted. Never empty on the wire.</param>
    /// <param name="retryable">Whether repeating may help; null = the code's default. Ignored where §12 forbids it.</param>
    /// <param name="innerException">The cause; it never reaches the peer.</param>
    public ArcpException(ErrorCode code, string message, bool? retryable = null, Exception? innerException = null)
        : base(string.IsNullOrWhiteSpace(message) ? code.Value : message, innerException)
    {
        Code = code;
        Retryable = !code.IsNeverRetryable && (retryable ?? code.IsRetryableByDefault);
    }

    /// <summary>The code of §12.</summary>
    public ErrorCode Code { get; }

    /// <summary>Whether repeating the request may help.</summary>
    public bool Retryable { get; }

    /// <summary>Further facts about the error as JSON, when there are any.</summary>
    public RawJson? Details
    {
        get;
        init => field = Absent.IfNull(value);
    }
}
