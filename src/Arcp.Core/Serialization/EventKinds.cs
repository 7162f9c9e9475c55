using Arcp.Core.Events;

namespace Arcp.Core.Serialization;

/// <summary>What the protocol says of event kinds (§8.2).</summary>
public static class EventKinds
{
    /// <summary>The feature that a session must have negotiated to receive events of a kind.</summary>
    /// <param name="kind">The kind as it stands on the wire.</param>
    public static Features RequiredFeature(string kind) => EventCatalog.RequiredFeature(kind);

    /// <summary>Whether the protocol defines the kind itself.</summary>
    /// <param name="kind">The kind as it stands on the wire.</param>
    public static bool IsDefined(string kind) => EventCatalog.IsDefined(kind);

    /// <summary>Whether the kind is a vendor's: <c>x-vendor.</c> and a name.</summary>
    /// <param name="kind">The kind as it stands on the wire.</param>
    public static bool IsVendor(string kind)
    {
        ArgumentNullException.ThrowIfNull(kind);
        return kind.StartsWith(RawEvent.VendorPrefix, StringComparison.Ordinal) && kind.Length > RawEvent.VendorPrefix.Length;
    }
}
