using System.Security.Cryptography;

namespace Arcp.Runtime.Storage;

/// <summary>Encrypts and decrypts what is kept of secrets, with the host's protector.</summary>
/// <param name="protector">The host's; null = there are no secrets, as the builder has made sure.</param>
internal sealed class SecretBox(ISecretProtector? protector)
{
    public byte[] Seal(ReadOnlySpan<byte> secret, string purpose) => Required().Protect(secret, purpose);

    /// <exception cref="RuntimeStoreException">It cannot be decrypted.</exception>
    public byte[] Open(ReadOnlySpan<byte> sealedBytes, string purpose)
    {
        try
        {
            return Required().Unprotect(sealedBytes, purpose);
        }
        catch (CryptographicException e)
        {
            throw new RuntimeStoreException($"A secret in the store (of {purpose}) cannot be decrypted: was the key of the secret protector changed without giving the older one, too?", e);
        }
    }

    private ISecretProtector Required() => protector
        ?? throw new RuntimeStoreException("The store holds secrets of an earlier run, and no secret protector is configured: call UseSecretProtector with the protector of that run.");
}
