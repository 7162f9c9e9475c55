namespace Arcp.Core.Leases;

/// <summary>What a step of a <see cref="GlobProgram"/> does.</summary>
internal enum GlobStepKind : byte
{
    /// <summary>Reads one given character.</summary>
    Literal,

    /// <summary>Reads any run of characters without <c>/</c>.</summary>
    Run,

    /// <summary>Reads any run of characters.</summary>
    Anything,

    /// <summary>Goes on, or leaves out the next two steps.</summary>
    Optional,

    /// <summary>The end of the glob.</summary>
    End,
}

/// <summary>A step of a <see cref="GlobProgram"/>.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="Character">What a literal reads.</param>
/// <param name="StopsAtQuery">Whether a wildcard stands in the path of a URL, and does not reach into its query.</param>
internal readonly record struct GlobStep(GlobStepKind Kind, char Character = default, bool StopsAtQuery = false)
{
    public bool Reads(char character) => Kind switch
    {
        GlobStepKind.Literal => character == Character,
        GlobStepKind.Run => character != '/' && !(StopsAtQuery && character == '?'),
        GlobStepKind.Anything => !(StopsAtQuery && character == '?'),
        _ => false,
    };
}
