using Arcp.Core.Ids;

namespace Arcp.Runtime.Storage;

/// <summary>What a submit under an idempotency key was answered with (§7.2).</summary>
public sealed record StoredAnswer
{
    /// <summary>The scope of the key.</summary>
    public required StoredPrincipal Principal { get; init; }

    /// <summary>The key.</summary>
    public required string Key { get; init; }

    /// <summary>The SHA-256 of what was asked for.</summary>
    public required ReadOnlyMemory<byte> Fingerprint { get; init; }

    /// <summary>The job.</summary>
    public required JobId JobId { get; init; }

    /// <summary>The job's trace, as the wire writes it.</summary>
    public required string Trace { get; init; }

    /// <summary>The payload of the <c>job.accepted</c>, byte by byte; opaque to the store.</summary>
    public required ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>Whether <see cref="Payload"/> holds secrets and is encrypted.</summary>
    public bool IsSecret { get; init; }

    /// <summary>Until when the key is remembered at least.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }
}
