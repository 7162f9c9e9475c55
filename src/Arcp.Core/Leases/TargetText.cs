namespace Arcp.Core.Leases;

/// <summary>Brings targets and patterns into the one spelling in which they are compared.</summary>
internal static class TargetText
{
    public static TargetKind KindOf(string name) => name switch
    {
        LeaseNamespaces.FsRead or LeaseNamespaces.FsWrite => TargetKind.Path,
        LeaseNamespaces.NetFetch => TargetKind.Url,
        _ => TargetKind.Name,
    };

    /// <summary>How many characters the normal form needs at most.</summary>
    public static int Room(TargetKind kind, ReadOnlySpan<char> text) => kind is TargetKind.Url ? UrlTarget.Room(text) : PathTarget.Room(text);

    /// <summary>Writes the normal form.</summary>
    /// <returns>Why there is none, as the end of a sentence; null = it is written.</returns>
    public static string? Normalize(TargetKind kind, ReadOnlySpan<char> text, bool isPattern, Span<char> to, out int length)
    {
        switch (kind)
        {
            case TargetKind.Path:
                return PathTarget.Normalize(text, isPattern, to, out length);
            case TargetKind.Url:
                return UrlTarget.Normalize(text, isPattern, to, out length);
            default:
                text.CopyTo(to);
                length = text.Length;
                return null;
        }
    }
}
