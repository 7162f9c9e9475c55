namespace Arcp.Core.Leases;

/// <summary>What the targets of a namespace are, and so how they and its patterns are normalised.</summary>
internal enum TargetKind
{
    /// <summary>Any text, taken as it is.</summary>
    Name,

    /// <summary>A path whose segments are separated by <c>/</c>.</summary>
    Path,

    /// <summary>An absolute URL.</summary>
    Url,
}
