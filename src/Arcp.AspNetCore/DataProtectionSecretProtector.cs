using System.Security.Cryptography;
using Arcp.Runtime.Storage;
using Microsoft.AspNetCore.DataProtection;

namespace Arcp.AspNetCore;

/// <summary>Encrypts what a durable store keeps of credentials with the host's Data Protection (§9.8).</summary>
internal sealed class DataProtectionSecretProtector(IDataProtectionProvider provider) : ISecretProtector
{
    // Part of what is kept: with another one nothing that was stored can be read.
    private const string Root = "Arcp.Storage.v1";

    public byte[] Protect(ReadOnlySpan<byte> secret, string purpose)
    {
        byte[] copy = secret.ToArray();
        try
        {
            return ProtectorFor(purpose).Protect(copy);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(copy);
        }
    }

    public byte[] Unprotect(ReadOnlySpan<byte> protectedSecret, string purpose) => ProtectorFor(purpose).Unprotect(protectedSecret.ToArray());

    private IDataProtector ProtectorFor(string purpose) => provider.CreateProtector(Root, purpose);
}
