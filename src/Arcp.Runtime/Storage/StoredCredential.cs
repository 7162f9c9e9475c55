using Arcp.Core.Ids;

namespace Arcp.Runtime.Storage;

/// <summary>A value that must still be revoked (§9.8).</summary>
public sealed record StoredCredential
{
    /// <summary>The record's own key: while a credential is rotated, two of its values are outstanding.</summary>
    public required string Key { get; init; }

    /// <summary>The credential.</summary>
    public required CredentialId Id { get; init; }

    /// <summary>The job it was lent to.</summary>
    public required JobId JobId { get; init; }

    /// <summary>The value, encrypted.</summary>
    public required ReadOnlyMemory<byte> Value { get; init; }

    /// <summary>Where it is good.</summary>
    public required string Endpoint { get; init; }

    /// <summary>What the provider calls it; null = it did not say.</summary>
    public string? ProviderKey { get; init; }
}
