namespace Arcp.Runtime.Storage;

/// <summary>A store cannot be used. The message says why, and what can be done about it.</summary>
public sealed class RuntimeStoreException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">Why, and what can be done; for the operator, never for a peer.</param>
    /// <param name="innerException">What the storage said.</param>
    public RuntimeStoreException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
