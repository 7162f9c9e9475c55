namespace Arcp.Runtime.Storage;

/// <summary>Encrypts what a durable store keeps of credentials (§9.8).</summary>
/// <remarks>Thread-safe. What was protected must be readable in every later run, until nothing of it is kept any more.</remarks>
public interface ISecretProtector
{
    /// <summary>Encrypts.</summary>
    /// <param name="secret">The secret.</param>
    /// <param name="purpose">What it belongs to. What was encrypted for one purpose cannot be read for another.</param>
    byte[] Protect(ReadOnlySpan<byte> secret, string purpose);

    /// <summary>Decrypts.</summary>
    /// <param name="protectedSecret">What <see cref="Protect"/> gave.</param>
    /// <param name="purpose">As it was then.</param>
    /// <exception cref="System.Security.Cryptography.CryptographicException">It was changed, is for another purpose, or the key is not the right one.</exception>
    byte[] Unprotect(ReadOnlySpan<byte> protectedSecret, string purpose);
}
