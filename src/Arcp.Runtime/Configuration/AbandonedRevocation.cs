using Arcp.Core.Ids;

namespace Arcp.Runtime.Configuration;

/// <summary>A credential that could not be revoked within the attempts allowed (§9.8): somebody has to look after it. It stays in the revocation store, so the next start tries again.</summary>
public sealed record AbandonedRevocation
{
    /// <summary>The credential.</summary>
    public required CredentialId Id { get; init; }

    /// <summary>The job it was lent to.</summary>
    public required JobId JobId { get; init; }

    /// <summary>Where it is good.</summary>
    public required string Endpoint { get; init; }

    /// <summary>What the provider calls it, as the provisioner said; null = it did not say. Never the value.</summary>
    public string? ProviderKey { get; init; }

    /// <summary>How many times its revocation was tried.</summary>
    public required int Attempts { get; init; }
}
