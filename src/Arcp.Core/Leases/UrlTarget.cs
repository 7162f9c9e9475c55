using System.Buffers;
using System.Globalization;

namespace Arcp.Core.Leases;

/// <summary>The normal form of absolute URLs.</summary>
/// <remarks>
/// What two readers of a URL could understand differently has no normal form and is denied: a reader that a lease is checked with
/// and one that sends the request must not disagree about where it goes.
/// </remarks>
internal static class UrlTarget
{
    private const string SchemeEnd = "://";
    private const int MaxPort = 65_535;

    private static readonly SearchValues<char> Blanks = SearchValues.Create([.. Enumerable.Range(0, ' ' + 1).Select(c => (char)c), '\u007F']);

    public static int Room(ReadOnlySpan<char> text) => UrlText.Room(text) + 1;

    public static string? Normalize(ReadOnlySpan<char> text, bool isPattern, Span<char> to, out int length)
    {
        length = 0;
        int scheme = text.IndexOfAny(":/?#");
        if (scheme < 0 || !text[scheme..].StartsWith(SchemeEnd))
        {
            if (isPattern)
            {
                // It matches as it stands: '**' every URL, a host without its scheme none.
                text.CopyTo(to);
                length = text.Length;
                return null;
            }

            return "is not an absolute URL, such as https://example.com/a";
        }

        if (text.ContainsAny(Blanks))
        {
            return "has a blank or a control character";
        }

        ReadOnlySpan<char> rest = text[(scheme + SchemeEnd.Length)..];
        int fragment = rest.IndexOf('#');
        rest = fragment < 0 ? rest : rest[..fragment];
        int mark = rest.IndexOf('?');
        ReadOnlySpan<char> query = mark < 0 ? default : rest[mark..];
        rest = mark < 0 ? rest : rest[..mark];
        if (rest.Contains('\\'))
        {
            return "has a backslash, which some readers take for '/'";
        }

        int slash = rest.IndexOf('/');
        ReadOnlySpan<char> authority = slash < 0 ? rest : rest[..slash];
        ReadOnlySpan<char> path = slash < 0 ? default : rest[(slash + 1)..];
        return WriteScheme(text[..scheme], isPattern, to, ref length)
            ?? WriteAuthority(authority, isPattern, to, ref length)
            ?? WritePath(path, isPattern, to, ref length)
            ?? (UrlText.TryWrite(query, isQuery: true, to, ref length) ? null : UrlText.Malformed);
    }

    private static string? WriteScheme(ReadOnlySpan<char> scheme, bool isPattern, Span<char> to, ref int length)
    {
        foreach (char c in scheme)
        {
            if (!(char.IsAsciiLetterOrDigit(c) || c is '+' or '-' or '.' || (isPattern && c == '*')))
            {
                return "has a scheme that is none";
            }
        }

        if (scheme.Length == 0 || char.IsAsciiDigit(scheme[0]))
        {
            return "has a scheme that is none";
        }

        WriteLower(scheme, to, ref length);
        SchemeEnd.CopyTo(to[length..]);
        length += SchemeEnd.Length;
        return null;
    }

    private static string? WriteAuthority(ReadOnlySpan<char> authority, bool isPattern, Span<char> to, ref int length)
    {
        if (authority.Contains('@'))
        {
            return "holds user information";
        }

        // A bracketed host has colons of its own.
        bool isBracketed = authority.StartsWith('[');
        int hostEnd = isBracketed ? authority.IndexOf(']') + 1 : authority.IndexOf(':');
        hostEnd = hostEnd < 0 ? authority.Length : hostEnd;
        ReadOnlySpan<char> host = authority[..hostEnd];
        ReadOnlySpan<char> port = authority[hostEnd..];
        if (!(isBracketed ? host.Length > 2 && AreHostCharacters(host[1..^1], ":.", isPattern) : host.Length > 0 && AreHostCharacters(host, "-._", isPattern)))
        {
            return "has no plain host; letters outside ASCII are written as xn--";
        }

        ReadOnlySpan<char> scheme = to[..(length - SchemeEnd.Length)];
        int defaultPort = scheme is "http" or "ws" ? 80 : scheme is "https" or "wss" ? 443 : -1;
        WriteLower(host, to, ref length);
        return WritePort(port, defaultPort, isPattern, to, ref length);
    }

    private static string? WritePort(ReadOnlySpan<char> port, int defaultPort, bool isPattern, Span<char> to, ref int length)
    {
        if (port is "" or ":")
        {
            return null;
        }

        ReadOnlySpan<char> digits = port[1..];
        if (isPattern && port[0] == ':' && digits.Contains('*') && digits.TrimStart("*0123456789").IsEmpty)
        {
            port.CopyTo(to[length..]);
            length += port.Length;
            return null;
        }

        if (port[0] != ':' || !int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int number) || number > MaxPort)
        {
            return "has a port that is none";
        }

        if (number != defaultPort)
        {
            to[length++] = ':';
            number.TryFormat(to[length..], out int written, provider: CultureInfo.InvariantCulture);
            length += written;
        }

        return null;
    }

    private static string? WritePath(ReadOnlySpan<char> path, bool isPattern, Span<char> to, ref int length)
    {
        int root = length;
        bool hadEmpty = false;
        foreach (Range range in path.Split('/'))
        {
            ReadOnlySpan<char> segment = path[range];
            if (segment.IsEmpty)
            {
                hadEmpty = true;
                continue;
            }

            int start = length;
            to[length++] = '/';
            if (!UrlText.TryWrite(segment, isQuery: false, to, ref length))
            {
                return UrlText.Malformed;
            }

            ReadOnlySpan<char> written = to[(start + 1)..length];
            if (written is "." or "..")
            {
                bool isUp = written.Length == 2;
                length = start;

                // Whether '..' takes back an empty segment or the one before it depends on the reader.
                if (isUp && (hadEmpty ? "has '..' behind an empty segment" : PathTarget.RemoveSegment(to, root, isPattern, ref length)) is { } problem)
                {
                    return problem;
                }
            }
            else if (UrlText.HidesDots(written))
            {
                return "hides a '.' or '..' beside an encoded separator";
            }
        }

        return null;
    }

    private static bool AreHostCharacters(ReadOnlySpan<char> host, ReadOnlySpan<char> marks, bool isPattern)
    {
        foreach (char c in host)
        {
            if (!(char.IsAsciiLetterOrDigit(c) || marks.Contains(c) || (isPattern && c == '*')))
            {
                return false;
            }
        }

        return true;
    }

    private static void WriteLower(ReadOnlySpan<char> text, Span<char> to, ref int length)
    {
        text.ToLowerInvariant(to[length..]);
        length += text.Length;
    }
}
