using Arcp.Core;

namespace Arcp.Runtime.Credentials;

/// <summary>A credential as a provisioner issued it (§9.8). The runtime gives it its id.</summary>
public sealed record IssuedCredential
{
    /// <summary>How it is presented. Default <c>bearer</c>; not blank.</summary>
    public string Scheme { get; init; } = "bearer";

    /// <summary>The credential itself, which no other job has; not blank. A secret.</summary>
    public required string Value { get; init; }

    /// <summary>Where it is good; not blank.</summary>
    public required string Endpoint { get; init; }

    /// <summary>The dialect spoken there, for example <c>openai</c>; null = none is named.</summary>
    public string? Profile { get; init; }

    /// <summary>What it is bounded by, in the lease's names; null = nothing is said.</summary>
    public RawJson? Constraints { get; init; }

    /// <summary>What the provider calls it, for example the hash of a key: enough to revoke it by, and no secret. Null = its value is its only name.</summary>
    public string? ProviderKey { get; init; }

    /// <summary>Leaves out the value.</summary>
    public override string ToString() => $"IssuedCredential {{ Scheme = {Scheme}, Value = ***, Endpoint = {Endpoint} }}";
}
