using System.Text.Json.Serialization;

namespace Arcp.Core.Events;

/// <summary>An event whose kind is a vendor's (<c>x-vendor.*</c>) or unknown, or whose body is not what its kind says; passed through unchanged.</summary>
public sealed record RawEvent : EventBody
{
    /// <summary>What the kinds that vendors define start with.</summary>
    public const string VendorPrefix = "x-vendor.";

    /// <summary>Creates an event.</summary>
    /// <param name="kind">The kind as it stands on the wire.</param>
    /// <param name="body">The body.</param>
    public RawEvent(string kind, RawJson body)
    {
        ArgumentException.ThrowIfNullOrEmpty(kind);
        ArgumentNullException.ThrowIfNull(body);
        Kind = kind;
        Body = body;
    }

    /// <inheritdoc/>
    [JsonIgnore]
    public override string Kind { get; }

    /// <summary>The body, unchanged.</summary>
    public RawJson Body { get; }

    /// <summary>Leaves out the body: of an unreadable <c>credential_rotated</c> it would show the secret.</summary>
    public override string ToString() => $"RawEvent {{ Kind = {Kind} }}";
}
