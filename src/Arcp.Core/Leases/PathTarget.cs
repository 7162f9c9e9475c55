namespace Arcp.Core.Leases;

/// <summary>The normal form of paths, by their text alone: links in a file system are for the host to look after.</summary>
/// <remarks>
/// <c>/a/b</c> for an absolute path, the empty text for <c>/</c>, and <c>./a/b</c> for a relative one, so that neither kind of
/// pattern can match the other kind of target. A pattern that starts with the segment <c>**</c> matches both.
/// </remarks>
internal static class PathTarget
{
    public static int Room(ReadOnlySpan<char> text) => text.Length + 2;

    public static string? Normalize(ReadOnlySpan<char> text, bool isPattern, Span<char> to, out int length)
    {
        length = 0;
        if (text.Contains('\\'))
        {
            return "has a backslash, which means different things on different systems; the separator is '/'";
        }

        if (text.Contains('\0'))
        {
            return "has a NUL character";
        }

        string root = RootOf(text, isPattern);
        root.CopyTo(to);
        length = root.Length;
        ReadOnlySpan<char> rest = root == CapabilityPattern.AnyDepth ? text[root.Length..] : text;
        foreach (Range range in rest.Split('/'))
        {
            ReadOnlySpan<char> segment = rest[range];
            if (segment is "" or ".")
            {
                continue;
            }

            if (segment is not "..")
            {
                to[length++] = '/';
                segment.CopyTo(to[length..]);
                length += segment.Length;
            }
            else if (RemoveSegment(to, root.Length, isPattern, ref length) is { } problem)
            {
                return problem;
            }
        }

        return null;
    }

    /// <summary>Takes a <c>..</c> for the last segment that was written.</summary>
    public static string? RemoveSegment(ReadOnlySpan<char> written, int root, bool isPattern, ref int length)
    {
        if (length == root)
        {
            return "leads out of its root with '..'";
        }

        int start = written[..length].LastIndexOf('/');
        if (isPattern && written[start..length].Contains('*'))
        {
            return "has '..' behind a wildcard";
        }

        length = start;
        return null;
    }

    private static string RootOf(ReadOnlySpan<char> text, bool isPattern)
    {
        if (isPattern && (text is CapabilityPattern.AnyDepth || text.StartsWith(CapabilityPattern.AnyDepth + "/")))
        {
            return CapabilityPattern.AnyDepth;
        }

        return text.StartsWith('/') ? string.Empty : ".";
    }
}
