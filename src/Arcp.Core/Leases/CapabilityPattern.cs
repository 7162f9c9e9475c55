namespace Arcp.Core.Leases;

/// <summary>One pattern of a lease (§9), which covers targets and other patterns.</summary>
/// <remarks>
/// <para>
/// Patterns and targets are read segment by segment, with <c>/</c> between the segments. The segment <c>**</c> covers any number of
/// segments, also none: <c>/a/**</c> covers <c>/a</c> and all below it. Everywhere else <c>*</c> covers any run of characters
/// within its segment, also an empty one, and <c>**</c> does no more than that. All else is literal and case-sensitive.
/// </para>
/// <para>
/// The query of a URL is one more segment, in which <c>/</c> is a character like others. A pattern without one covers every query
/// when its last segment ends with a wildcard, and otherwise none.
/// </para>
/// <para>Immutable and safe for concurrent use.</para>
/// </remarks>
public sealed class CapabilityPattern
{
    internal const string AnyDepth = "**";

    private readonly PatternSegment[] _segments;
    private readonly PatternSegment? _query;
    private readonly string _source;

    private CapabilityPattern(TargetKind kind, string source, string text)
    {
        Kind = kind;
        _source = source;
        Text = text;
        ReadOnlySpan<char> segments = text;
        if (kind is TargetKind.Url)
        {
            segments = CutQuery(text, out ReadOnlySpan<char> query);
            bool coversAny = segments.Length == text.Length && segments.EndsWith('*');
            _query = PatternSegment.OfQuery(coversAny ? "*" : query);
        }

        _segments = PatternSegment.Split(segments);
    }

    /// <summary>The pattern in the normal form in which it is compared; empty for the path <c>/</c>.</summary>
    public string Text { get; }

    internal TargetKind Kind { get; }

    /// <summary>Reads a pattern.</summary>
    /// <param name="name">The namespace that it stands in, which decides how it is normalised (§9).</param>
    /// <param name="pattern">The pattern.</param>
    /// <exception cref="ArgumentException">The pattern is empty, leads out of its root, or is read differently by different readers; the message says which.</exception>
    public static CapabilityPattern Parse(string name, string pattern)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentException.ThrowIfNullOrEmpty(pattern);
        TargetKind kind = TargetText.KindOf(name);
        var buffer = new char[TargetText.Room(kind, pattern)];
        return TargetText.Normalize(kind, pattern, isPattern: true, buffer, out int length) is { } problem
            ? throw new ArgumentException($"The pattern {problem}.", nameof(pattern))
            : new CapabilityPattern(kind, pattern, new string(buffer, 0, length));
    }

    /// <summary>Whether a target is covered; takes time in proportion to the product of both lengths at most, and allocates nothing.</summary>
    /// <param name="target">The target in its normal form; <see cref="CompiledLease.Allows"/> makes it.</param>
    public bool Matches(ReadOnlySpan<char> target)
    {
        ReadOnlySpan<char> query = default;
        ReadOnlySpan<char> rest = _query is null ? target : CutQuery(target, out query);
        return SegmentsMatch(rest) && (_query is null || _query.Matches(query));
    }

    /// <summary>
    /// Whether everything that another pattern covers is covered by this one too; takes time in proportion to the product of both
    /// lengths at most.
    /// </summary>
    /// <param name="other">A pattern of the same namespace.</param>
    public bool Includes(CapabilityPattern other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return Kind == other.Kind
            && SegmentsInclude(other._segments)
            && (_query is null || _query.Includes(other._query!));
    }

    /// <summary>The pattern as it was given.</summary>
    public override string ToString() => _source;

    /// <summary>What is wrong with a pattern, as the end of a sentence.</summary>
    internal static string? FindError(string name, string pattern)
    {
        TargetKind kind = TargetText.KindOf(name);
        return TargetText.Normalize(kind, pattern, isPattern: true, new char[TargetText.Room(kind, pattern)], out _);
    }

    private static ReadOnlySpan<char> CutQuery(ReadOnlySpan<char> text, out ReadOnlySpan<char> query)
    {
        int mark = text.IndexOf('?');
        query = mark < 0 ? default : text[(mark + 1)..];
        return mark < 0 ? text : text[..mark];
    }

    // Each any-depth segment takes as little as it can and one more whenever what follows it fails. Going back to the last one is
    // enough: an earlier one that took more would only leave less to those behind it.
    private bool SegmentsMatch(ReadOnlySpan<char> target)
    {
        int next = 0;
        int position = 0;
        int retry = -1;
        int retryPosition = 0;
        while (position <= target.Length)
        {
            if (next < _segments.Length && _segments[next].IsAnyDepth)
            {
                retry = ++next;
                retryPosition = position;
                if (retry == _segments.Length)
                {
                    return true;
                }
            }

            int end = EndOfSegment(target, position);
            if (next < _segments.Length && _segments[next].Matches(target[position..end]))
            {
                next++;
                position = end + 1;
            }
            else if (retry >= 0)
            {
                next = retry;
                retryPosition = EndOfSegment(target, retryPosition) + 1;
                position = retryPosition;
            }
            else
            {
                return false;
            }
        }

        return next == _segments.Length || (next == _segments.Length - 1 && _segments[next].IsAnyDepth);
    }

    // The same walk over the other's segments. What its any-depth segment covers has no bound, so only one of ours takes it, or one
    // of the wildcards beside ours: those count segments, and it may stand for none.
    private bool SegmentsInclude(PatternSegment[] other)
    {
        int next = 0;
        int position = 0;
        int retry = -1;
        int retryPosition = 0;
        while (position < other.Length)
        {
            if (next < _segments.Length && _segments[next].IsAnyDepth)
            {
                retry = ++next;
                retryPosition = position;
            }

            PatternSegment candidate = other[position];
            if (next < _segments.Length && !candidate.IsAnyDepth && _segments[next].Includes(candidate))
            {
                next++;
                position++;
            }
            else if (next < _segments.Length && candidate.IsAnyDepth && _segments[next].IsBesideAnyDepth)
            {
                position++;
            }
            else if (retry >= 0)
            {
                next = retry;
                position = ++retryPosition;
            }
            else
            {
                return false;
            }
        }

        return next == _segments.Length || (next == _segments.Length - 1 && _segments[next].IsAnyDepth);
    }

    private static int EndOfSegment(ReadOnlySpan<char> target, int start)
    {
        int slash = target[start..].IndexOf('/');
        return slash < 0 ? target.Length : start + slash;
    }
}
