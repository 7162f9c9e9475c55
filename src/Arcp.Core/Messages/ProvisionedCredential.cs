using Arcp.Core.Ids;

namespace Arcp.Core.Messages;

/// <summary>A credential lent to a job (§9.8).</summary>
public sealed record ProvisionedCredential
{
    /// <summary>Its id.</summary>
    public required CredentialId Id { get; init; }

    /// <summary>How it is presented, for example <c>bearer</c>.</summary>
    public string? Scheme { get; init; }

    /// <summary>The credential itself. A secret.</summary>
    public string? Value { get; init; }

    /// <summary>Where it is good.</summary>
    public string? Endpoint { get; init; }

    /// <summary>The dialect spoken there, for example <c>openai</c>.</summary>
    public string? Profile { get; init; }

    /// <summary>What it is bounded by, in the lease's names.</summary>
    public RawJson? Constraints
    {
        get;
        init => field = Absent.IfNull(value);
    }

    /// <summary>Leaves out the value.</summary>
    public override string ToString() => $"ProvisionedCredential {{ Id = {Id}, Scheme = {Scheme}, Value = ***, Endpoint = {Endpoint} }}";
}
