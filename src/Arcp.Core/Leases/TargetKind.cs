namespace Arcp.Core.Leases;

/// <summary>How the targets of a namespace, and the patterns for them, are brought into one spelling.</summary>
internal enum TargetKind
{
    /// <summary>A name: taken as it is.</summary>
    Name,

    /// <summary>A path with <c>/</c> as its separator; see <see cref="PathTarget"/>.</summary>
    Path,

    /// <summary>An absolute URL; see <see cref="UrlTarget"/>.</summary>
    Url,
}
