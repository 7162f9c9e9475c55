namespace Arcp.AspNetCore;

/// <summary>A web origin in a form that can be compared: scheme, host, port (RFC 6454).</summary>
/// <param name="Scheme">The scheme, lower case.</param>
/// <param name="Host">The host.</param>
/// <param name="Port">The port; null where the scheme has no default and none is given.</param>
internal readonly record struct WebOrigin(string Scheme, string Host, int? Port)
{
    public WebOrigin(string scheme, HostAndPort host)
        : this(scheme, host.Name, host.Port ?? DefaultPort(scheme))
    {
    }

    /// <summary>Reads <c>scheme://host</c> or <c>scheme://host:port</c>. <c>null</c>, which browsers send for pages without an origin, is none.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out WebOrigin origin)
    {
        origin = default;
        int end = text.IndexOf("://", StringComparison.Ordinal);
        if (end < 1 || !char.IsAsciiLetter(text[0]) || !HostAndPort.TryParse(text[(end + 3)..], out HostAndPort host))
        {
            return false;
        }

        foreach (char c in text[..end])
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('+' or '-' or '.'))
            {
                return false;
            }
        }

        origin = new WebOrigin(text[..end].ToString().ToLowerInvariant(), host);
        return true;
    }

    private static int? DefaultPort(string scheme) => scheme switch
    {
        "http" or "ws" => 80,
        "https" or "wss" => 443,
        _ => null,
    };
}
