using System.Text.Json.Serialization;
using Arcp.Core.Ids;

namespace Arcp.Core.Events;

/// <summary><c>status</c>: the job enters a phase. <c>running</c> is emitted by the runtime when the agent starts.</summary>
public sealed record StatusEvent : EventBody
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override string Kind => "status";

    /// <summary>The phase.</summary>
    public required string Phase { get; init; }

    /// <summary>A line for people.</summary>
    public string? Message { get; init; }

    /// <summary>On <c>credential_rotated</c>: the credential (§9.8).</summary>
    public CredentialId? Id { get; init; }

    /// <summary>On <c>credential_rotated</c>: its new value. A secret.</summary>
    public string? Value { get; init; }

    /// <summary>On <c>credential_rotated</c>: the credential again, under the name that some clients read.</summary>
    public CredentialId? CredentialId { get; init; }

    /// <summary>On <c>credential_rotated</c>: its new value again, under the name that some clients read. A secret.</summary>
    public string? CredentialValue { get; init; }

    /// <summary>Leaves out the secrets.</summary>
    public override string ToString() => $"StatusEvent {{ Phase = {Phase}, Message = {Message} }}";
}
