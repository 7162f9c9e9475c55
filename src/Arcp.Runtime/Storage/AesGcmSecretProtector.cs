using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Arcp.Runtime.Storage;

/// <summary>Encrypts secrets with AES-256-GCM and keys of the host's.</summary>
/// <remarks>Thread-safe. A key is changed by giving the new one first and the older ones behind it, until nothing is kept that they encrypted.</remarks>
public sealed class AesGcmSecretProtector : ISecretProtector
{
    private const int KeyBytes = 32;
    private const byte Format = 1;
    private const int KeyIdBytes = 4;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private const int HeadBytes = 1 + KeyIdBytes + NonceBytes;

    private readonly EncryptionKey[] _keys;

    /// <summary>Creates a protector.</summary>
    /// <param name="key">The key that encrypts: 32 random bytes, kept by the host outside the store. A secret.</param>
    /// <param name="olderKeys">Keys that only decrypt.</param>
    /// <exception cref="ArgumentException">A key has not 32 bytes.</exception>
    public AesGcmSecretProtector(byte[] key, params IEnumerable<byte[]> olderKeys)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(olderKeys);
        _keys = [.. olderKeys.Prepend(key).Select(static bytes => new EncryptionKey(bytes))];
    }

    /// <inheritdoc/>
    public byte[] Protect(ReadOnlySpan<byte> secret, string purpose)
    {
        byte[] output = new byte[HeadBytes + secret.Length + TagBytes];
        output[0] = Format;
        BinaryPrimitives.WriteUInt32LittleEndian(output.AsSpan(1), _keys[0].Id);
        Span<byte> nonce = output.AsSpan(1 + KeyIdBytes, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(_keys[0].Bytes, TagBytes);
        aes.Encrypt(nonce, secret, output.AsSpan(HeadBytes, secret.Length), output.AsSpan(HeadBytes + secret.Length), Encoding.UTF8.GetBytes(purpose));
        return output;
    }

    /// <inheritdoc/>
    public byte[] Unprotect(ReadOnlySpan<byte> protectedSecret, string purpose)
    {
        if (protectedSecret.Length < HeadBytes + TagBytes || protectedSecret[0] != Format)
        {
            throw new CryptographicException("This is not what the protector made.");
        }

        uint id = BinaryPrimitives.ReadUInt32LittleEndian(protectedSecret[1..]);
        EncryptionKey key = Array.Find(_keys, key => key.Id == id) ?? throw new CryptographicException("It was encrypted with a key that is not among those given.");
        byte[] secret = new byte[protectedSecret.Length - HeadBytes - TagBytes];
        using var aes = new AesGcm(key.Bytes, TagBytes);
        aes.Decrypt(protectedSecret.Slice(1 + KeyIdBytes, NonceBytes), protectedSecret[HeadBytes..^TagBytes], protectedSecret[^TagBytes..], secret, Encoding.UTF8.GetBytes(purpose));
        return secret;
    }

    /// <summary>A key, and by what its output is known: the hash of a key of 256 random bits tells nothing of it.</summary>
    private sealed class EncryptionKey
    {
        public EncryptionKey(byte[] bytes)
        {
            ArgumentNullException.ThrowIfNull(bytes);
            if (bytes.Length != KeyBytes)
            {
                throw new ArgumentException($"A key must have {KeyBytes} bytes; this one has {bytes.Length}.", nameof(bytes));
            }

            Bytes = [.. bytes];
            Id = BinaryPrimitives.ReadUInt32LittleEndian(SHA256.HashData([.. "arcp key id"u8, .. bytes]));
        }

        public byte[] Bytes { get; }

        public uint Id { get; }
    }
}
