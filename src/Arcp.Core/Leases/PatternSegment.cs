namespace Arcp.Core.Leases;

/// <summary>What stands between two '/' of a pattern, or its query.</summary>
internal sealed class PatternSegment
{
    private readonly string _text;
    private readonly bool _hasWildcard;

    private PatternSegment(string text, bool isAnyDepth = false, bool isBesideAnyDepth = false)
    {
        _text = text;
        _hasWildcard = text.Contains('*', StringComparison.Ordinal);
        IsAnyDepth = isAnyDepth;
        IsBesideAnyDepth = isBesideAnyDepth;
    }

    /// <summary>It covers any number of segments.</summary>
    public bool IsAnyDepth { get; }

    /// <summary>It covers exactly one segment of whatever text, and with the any-depth segment behind it says "at least so many".</summary>
    public bool IsBesideAnyDepth { get; }

    public static PatternSegment OfQuery(ReadOnlySpan<char> query) => new(WithoutRuns(query));

    /// <summary>
    /// Splits a pattern. Side by side, '*' and '**' mean the same in any order, so the '*' come first and one '**' ends them; and as
    /// there is no text of no segments, '**' alone is one or more.
    /// </summary>
    public static PatternSegment[] Split(ReadOnlySpan<char> text)
    {
        var segments = new List<PatternSegment>();
        int wildcards = 0;
        bool hasAnyDepth = false;
        foreach (Range range in text.Split('/'))
        {
            ReadOnlySpan<char> segment = text[range];
            if (segment is CapabilityPattern.AnyDepth)
            {
                hasAnyDepth = true;
            }
            else if (WithoutRuns(segment) is var single && single == "*")
            {
                wildcards++;
            }
            else
            {
                AddWildcards(segments, ref wildcards, ref hasAnyDepth);
                segments.Add(new PatternSegment(single));
            }
        }

        if (segments.Count == 0 && hasAnyDepth)
        {
            wildcards = Math.Max(wildcards, 1);
        }

        AddWildcards(segments, ref wildcards, ref hasAnyDepth);
        return [.. segments];
    }

    public bool Includes(PatternSegment other) => Matches(other._text);

    /// <summary>Whether the segment covers a text.</summary>
    /// <remarks>
    /// The text may be that of another segment: no literal is a '*', so only a wildcard can take its wildcards, and then it takes
    /// whatever they stand for.
    /// </remarks>
    public bool Matches(ReadOnlySpan<char> text)
    {
        if (!_hasWildcard)
        {
            return text.SequenceEqual(_text);
        }

        int next = 0;
        int position = 0;
        int retry = -1;
        int retryPosition = 0;
        while (position < text.Length)
        {
            if (next < _text.Length && _text[next] == '*')
            {
                retry = ++next;
                retryPosition = position;
                if (retry == _text.Length)
                {
                    return true;
                }
            }
            else if (next < _text.Length && _text[next] == text[position])
            {
                next++;
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

        return next == _text.Length || (next == _text.Length - 1 && _text[next] == '*');
    }

    private static void AddWildcards(List<PatternSegment> segments, ref int wildcards, ref bool hasAnyDepth)
    {
        for (; wildcards > 0; wildcards--)
        {
            segments.Add(new PatternSegment("*", isBesideAnyDepth: hasAnyDepth));
        }

        if (hasAnyDepth)
        {
            segments.Add(new PatternSegment(CapabilityPattern.AnyDepth, isAnyDepth: true));
            hasAnyDepth = false;
        }
    }

    // A run of wildcards covers what one covers.
    private static string WithoutRuns(ReadOnlySpan<char> segment)
    {
        Span<char> text = segment.Length <= 256 ? stackalloc char[256] : new char[segment.Length];
        int length = 0;
        foreach (char c in segment)
        {
            if (c != '*' || length == 0 || text[length - 1] != '*')
            {
                text[length++] = c;
            }
        }

        return new string(text[..length]);
    }
}
