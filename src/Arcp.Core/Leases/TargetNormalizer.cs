using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace Arcp.Core.Leases;

/// <summary>Brings targets and patterns into the one form in which they are compared (§9), so that no other spelling opens a way around a lease.</summary>
internal static class TargetNormalizer
{
    // What relative paths begin with, so that no wildcard takes one for an absolute path or the other way round.
    private const string Relative = "./";

    private const int MaxTargetLength = 8 * 1024; // no system takes longer paths or URLs, and what a check costs grows with it
    private const string Controls = "\0\u0001\u0002\u0003\u0004\u0005\u0006\a\b\t\n\v\f\r\u000e\u000f\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001a\u001b\u001c\u001d\u001e\u001f";

    private static readonly SearchValues<char> PlainScheme = SearchValues.Create("abcdefghijklmnopqrstuvwxyz");
    private static readonly SearchValues<char> PlainHost = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-_.");
    private static readonly SearchValues<char> NeverInPaths = SearchValues.Create(Controls + "\\");
    private static readonly SearchValues<char> NeverInUrls = SearchValues.Create(Controls + " \\");
    private static readonly SearchValues<char> NeverInPlainUrls = SearchValues.Create(Controls + " \\%#");

    /// <summary>Normalises a target.</summary>
    /// <param name="target">The target as it is used.</param>
    /// <param name="kind">What it is.</param>
    /// <param name="normal">Its normal form; the target itself when it is that already.</param>
    /// <param name="decoded">A second form that has to be allowed as well, because servers read it in both ways; null = there is none.</param>
    /// <returns>False when it escapes its root, or is no target of this kind.</returns>
    public static bool TryNormalize(string target, TargetKind kind, [NotNullWhen(true)] out string? normal, out string? decoded)
    {
        decoded = null;
        normal = target.Length is 0 or > MaxTargetLength ? null : kind switch
        {
            TargetKind.Path => NormalizePath(target),
            TargetKind.Url => NormalizeUrl(target, out decoded),
            _ => target,
        };
        return normal is not null;
    }

    /// <summary>Normalises a pattern that <see cref="FindPatternError"/> accepts.</summary>
    public static string NormalizePattern(string pattern, TargetKind kind) => kind switch
    {
        TargetKind.Path => pattern.StartsWith('/') || pattern.StartsWith("**", StringComparison.Ordinal) ? CollapseSlashes(pattern) : CollapseSlashes(Relative + pattern),
        TargetKind.Url when SplitUrl(pattern) is { } url => $"{url.Scheme}://{url.Authority}{(url.Rest.StartsWith('/') || url.Authority.EndsWith("**", StringComparison.Ordinal) ? string.Empty : "/")}{url.Rest}",
        _ => pattern,
    };

    /// <summary>What is wrong with a pattern, as the end of a sentence about it; null = nothing.</summary>
    public static string? FindPatternError(string pattern, TargetKind kind)
    {
        if (kind is TargetKind.Name)
        {
            return null;
        }

        if (pattern.AsSpan().ContainsAny(NeverInPaths))
        {
            return "must not hold control characters or backslashes; segments are separated by /.";
        }

        string path = pattern;
        if (kind is TargetKind.Url && SplitUrl(pattern) is { } url)
        {
            if (url.Authority.Contains('@', StringComparison.Ordinal))
            {
                return "must not hold user information before the host.";
            }

            path = url.Rest;
        }

        if (kind is TargetKind.Url && HostOf(pattern) is var host && host.Contains("**", StringComparison.Ordinal) && host.Trim('*').Length > 0)
        {
            return "must not hold ** within a host, where it would reach into the path; * covers any number of labels.";
        }

        bool decodes = kind is TargetKind.Url;
        return path.Split('/').Any(segment => IsDot(segment, decodes) || IsDoubleDot(segment, decodes)) ? "must not hold segments . or .., whose place beside wildcards is open." : null;
    }

    // What stands before the path; without a scheme, before the first slash.
    private static string HostOf(string pattern)
    {
        if (SplitUrl(pattern) is { } url)
        {
            return url.Authority;
        }

        int slash = pattern.IndexOf('/', StringComparison.Ordinal);
        return slash < 0 ? pattern : pattern[..slash];
    }

    private static string? NormalizePath(string path)
    {
        if (path.AsSpan().ContainsAny(NeverInPaths))
        {
            return null; // a backslash separates on some systems and not on others
        }

        return IsPlainPath(path) ? path : ResolveDots(path, isUrl: false);
    }

    // Whether there is nothing to resolve.
    private static bool IsPlainPath(ReadOnlySpan<char> path) =>
        path[0] == '/' && (path[^1] != '/' || path.Length == 1)
        && path.IndexOf("//", StringComparison.Ordinal) < 0 && path.IndexOf("/.", StringComparison.Ordinal) < 0;

    private static string CollapseSlashes(string path)
    {
        var result = new StringBuilder(path.Length);
        foreach (char c in path)
        {
            if (c != '/' || result.Length == 0 || result[^1] != '/')
            {
                result.Append(c);
            }
        }

        return result.Length > 1 && result[^1] == '/' ? result.ToString(0, result.Length - 1) : result.ToString();
    }

    // Null when a .. leads out of the root, or out of where a relative path begins.
    private static string? ResolveDots(string path, bool isUrl)
    {
        bool isAbsolute = path[0] == '/';
        string[] segments = path.Split('/');
        var kept = new List<string>(segments.Length);
        for (int i = isAbsolute ? 1 : 0; i < segments.Length; i++)
        {
            string segment = segments[i];
            bool isLast = i == segments.Length - 1;
            if (isUrl && IsDotsWithParameters(segment))
            {
                return null;
            }

            if (IsDoubleDot(segment, isUrl))
            {
                // Whether an empty segment counts as one to leave depends on the server.
                if (kept.Count == 0 || kept.Contains(string.Empty))
                {
                    return null;
                }

                kept.RemoveAt(kept.Count - 1);
            }
            else if (!IsDot(segment, isUrl) && (segment.Length > 0 || isUrl))
            {
                kept.Add(segment);
                continue;
            }

            if (isLast && isUrl)
            {
                kept.Add(string.Empty); // /a/.. is the directory /, with its slash
            }
        }

        string joined = string.Join('/', kept);
        return isAbsolute ? "/" + joined : joined.Length == 0 ? "." : Relative + joined;
    }

    private static string? NormalizeUrl(string text, out string? decoded)
    {
        decoded = null;
        if (IsPlainUrl(text))
        {
            return text;
        }

        if (text.AsSpan().ContainsAny(NeverInUrls)
            || SplitUrl(text) is not { } url || url.Scheme.Contains('*', StringComparison.Ordinal) || !IsHost(url.Authority))
        {
            return null;
        }

        // What is behind # is never sent.
        int end = url.Rest.IndexOf('#', StringComparison.Ordinal);
        string rest = end < 0 ? url.Rest : url.Rest[..end];
        int question = rest.IndexOf('?', StringComparison.Ordinal);
        string path = question < 0 ? rest : rest[..question];
        string query = question < 0 ? string.Empty : rest[question..];
        string origin = $"{url.Scheme}://{url.Authority}";
        if (path.Length == 0)
        {
            path = "/";
        }

        // A server may take %2f for a slash or not: what it may lead to has to be allowed in both readings.
        string slashes = DecodeSlashes(path);
        if (ResolveDots(path, isUrl: true) is not { } literal || ResolveDots(slashes, isUrl: true) is not { } separated)
        {
            return null;
        }

        decoded = slashes.Length == path.Length ? null : $"{origin}{separated}{query}";
        return $"{origin}{literal}{query}";
    }

    // The usual spelling, which is the normal form: nothing to resolve, to decode or to drop.
    private static bool IsPlainUrl(ReadOnlySpan<char> text)
    {
        int colon = text.IndexOf("://", StringComparison.Ordinal);
        if (colon <= 0 || text[..colon].ContainsAnyExcept(PlainScheme))
        {
            return false;
        }

        ReadOnlySpan<char> behind = text[(colon + 3)..];
        int slash = behind.IndexOf('/');
        return slash > 0 && !behind[..slash].ContainsAnyExcept(PlainHost)
            && !behind[slash..].ContainsAny(NeverInPlainUrls) && behind[slash..].IndexOf("/.", StringComparison.Ordinal) < 0;
    }

    // Scheme and host in lower case, without a default port. Null when it is no absolute URL.
    private static UrlParts? SplitUrl(string text)
    {
        int colon = text.IndexOf("://", StringComparison.Ordinal);
        if (colon <= 0 || !IsScheme(text.AsSpan(0, colon)))
        {
            return null;
        }

        int start = colon + 3;
        int length = text.AsSpan(start).IndexOfAny("/?#");
        string authority = (length < 0 ? text[start..] : text.Substring(start, length)).ToLowerInvariant();
        string scheme = text[..colon].ToLowerInvariant();
        int port = authority.LastIndexOf(':');
        if (port >= 0 && !authority.EndsWith(']') && DefaultPort(scheme) is { } known
            && (port == authority.Length - 1 || (int.TryParse(authority.AsSpan(port + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int given) && given == known)))
        {
            authority = authority[..port];
        }

        return new UrlParts(scheme, authority, length < 0 ? string.Empty : text[(start + length)..]);
    }

    private static int? DefaultPort(string scheme) => scheme switch
    {
        "http" or "ws" => 80,
        "https" or "wss" => 443,
        "ftp" => 21,
        _ => null,
    };

    private static bool IsScheme(ReadOnlySpan<char> text)
    {
        foreach (char c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('+' or '-' or '.' or '*'))
            {
                return false;
            }
        }

        return true;
    }

    // No user information, no percent-encoding, and nothing that some reader takes for a separator.
    private static bool IsHost(string authority) =>
        authority.Length > 0
        && HasPlainPort(authority)
        && authority.All(static c => char.IsAscii(c) ? char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' or ':' or '[' or ']' : char.IsLetterOrDigit(c) || char.IsSurrogate(c) || char.GetUnicodeCategory(c) is UnicodeCategory.NonSpacingMark)
        && authority.IsNormalized(NormalizationForm.FormKC);

    // Brackets only around an address, and behind the host nothing but digits.
    private static bool HasPlainPort(string authority)
    {
        int end = authority.StartsWith('[') ? authority.IndexOf(']', StringComparison.Ordinal) + 1 : authority.AsSpan().IndexOfAny(":[]");
        return end < 0 || (end > 0 && (end == authority.Length || (authority[end] == ':' && end + 1 < authority.Length && authority.AsSpan(end + 1).TrimStart("0123456789").IsEmpty)));
    }

    private static string DecodeSlashes(string path) => path
        .Replace("%2f", "/", StringComparison.OrdinalIgnoreCase)
        .Replace("%5c", "/", StringComparison.OrdinalIgnoreCase);

    // Some servers cut off what follows a ; and only then look for dots.
    private static bool IsDotsWithParameters(string segment) =>
        segment.IndexOf(';', StringComparison.Ordinal) is > 0 and var end && (IsDot(segment[..end], decodes: true) || IsDoubleDot(segment[..end], decodes: true));

    private static bool IsDot(string segment, bool decodes) => segment == "." || (decodes && segment.Equals("%2e", StringComparison.OrdinalIgnoreCase));

    private static bool IsDoubleDot(string segment, bool decodes) =>
        segment == ".." || (decodes && segment.Length is > 2 and <= 6 && segment.Replace("%2e", ".", StringComparison.OrdinalIgnoreCase) == "..");

    private sealed record UrlParts(string Scheme, string Authority, string Rest);
}
