using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Arcp.Runtime.Sessions;

/// <summary>The hash of a resume token (§6.3); the token itself is never kept.</summary>
internal readonly struct ResumeTokenHash : IEquatable<ResumeTokenHash>
{
    private const int TokenBytes = 32;

    private readonly byte[]? _hash;

    private ResumeTokenHash(byte[] hash) => _hash = hash;

    /// <summary>The hash.</summary>
    public ReadOnlyMemory<byte> Bytes => _hash;

    /// <summary>Mints a token of 256 bits.</summary>
    public static string Mint(out ResumeTokenHash hash)
    {
        Span<byte> random = stackalloc byte[TokenBytes];
        RandomNumberGenerator.Fill(random);
        string token = "rt_" + Base64Url.EncodeToString(random);
        hash = Of(token);
        return token;
    }

    /// <summary>The hash that <see cref="Bytes"/> gave.</summary>
    public static ResumeTokenHash FromBytes(ReadOnlyMemory<byte> bytes) => new(bytes.ToArray());

    public static ResumeTokenHash Of(string token) => new(SHA256.HashData(Encoding.UTF8.GetBytes(token)));

    /// <summary>Compares in constant time.</summary>
    public bool Equals(ResumeTokenHash other) => _hash is not null && CryptographicOperations.FixedTimeEquals(_hash, other._hash);

    public override bool Equals(object? obj) => obj is ResumeTokenHash other && Equals(other);

    public override int GetHashCode() => _hash is null ? 0 : BitConverter.ToInt32(_hash);
}
