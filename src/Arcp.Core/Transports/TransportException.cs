namespace Arcp.Core.Transports;

/// <summary>The connection is lost or was never usable.</summary>
public sealed class TransportException : IOException
{
    /// <summary>Creates the error.</summary>
    /// <param name="message">What happened.</param>
    /// <param name="innerException">The cause.</param>
    public TransportException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
