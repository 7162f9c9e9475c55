using Arcp.Core.Ids;

namespace Arcp.Runtime.Credentials;

/// <summary>One value of a credential that must still be revoked (§9.8).</summary>
public sealed record OutstandingCredential
{
    /// <summary>The credential. While it is rotated, two of its values are outstanding.</summary>
    public required CredentialId Id { get; init; }

    /// <summary>The job it was lent to.</summary>
    public required JobId JobId { get; init; }

    /// <summary>The value. A secret.</summary>
    public required string Value { get; init; }

    /// <summary>Where it is good.</summary>
    public required string Endpoint { get; init; }

    /// <summary>What the provider calls it, as the provisioner said; null = it did not say.</summary>
    public string? ProviderKey { get; init; }

    /// <summary>Leaves out the value.</summary>
    public override string ToString() => $"OutstandingCredential {{ Id = {Id}, JobId = {JobId}, Value = ***, Endpoint = {Endpoint} }}";
}
