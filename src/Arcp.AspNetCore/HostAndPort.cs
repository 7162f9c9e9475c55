using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Arcp.AspNetCore;

/// <summary>A host as a <c>Host</c> header or an origin names it, in a form that can be compared.</summary>
/// <param name="Name">Lower case, without the dot of a fully qualified name; an IPv6 address in brackets and its shortest form.</param>
/// <param name="Port">The port; null = none is given.</param>
internal readonly record struct HostAndPort(string Name, int? Port)
{
    private const int MaxNameLength = 253;

    /// <summary>Whether only this machine can be meant (§4): no name server has a say in what these names point to.</summary>
    public bool IsLoopback =>
        Name == "localhost"
        || Name.EndsWith(".localhost", StringComparison.Ordinal)
        || (TryGetAddress(out IPAddress? address) && IPAddress.IsLoopback(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address));

    /// <summary>Reads <c>name</c>, <c>name:port</c>, <c>[address]</c> or <c>[address]:port</c>.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out HostAndPort host)
    {
        host = default;
        int end = text is ['[', ..] ? text.IndexOf(']') + 1 : text.IndexOf(':');
        ReadOnlySpan<char> name = end < 0 ? text : text[..end];
        ReadOnlySpan<char> rest = text[name.Length..];
        if (!TryReadPort(rest, out int? port) || !TryReadName(name, out string? canonical))
        {
            return false;
        }

        host = new HostAndPort(canonical, port);
        return true;
    }

    // An empty port is allowed by RFC 3986 and means the default.
    private static bool TryReadPort(ReadOnlySpan<char> text, out int? port)
    {
        port = null;
        switch (text)
        {
            case [] or [':']:
                return true;
            case [':', .. var digits] when ushort.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out ushort number):
                port = number;
                return true;
            default:
                return false;
        }
    }

    private static bool TryReadName(ReadOnlySpan<char> text, out string name)
    {
        name = string.Empty;
        if (text is ['[', .. var inner, ']'])
        {
            // No zone: it means nothing to anybody but the one who wrote it.
            if (inner.Contains('%') || !IPAddress.TryParse(inner, out IPAddress? address) || address.AddressFamily != AddressFamily.InterNetworkV6)
            {
                return false;
            }

            name = $"[{address}]";
            return true;
        }

        if (text is [.. var relative, '.'])
        {
            text = relative;
        }

        if (text.Length is 0 or > MaxNameLength || text[0] == '.' || text[^1] == '.' || text.IndexOf("..", StringComparison.Ordinal) >= 0)
        {
            return false;
        }

        foreach (char c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '.' or '_'))
            {
                return false;
            }
        }

        name = text.ToString().ToLowerInvariant();
        return true;
    }

    // Only the usual way to write an IPv4 address; 127.1 and 0x7f.1 are names to us.
    private bool TryGetAddress(out IPAddress address)
    {
        bool isBracketed = Name.StartsWith('[');
        return IPAddress.TryParse(isBracketed ? Name.AsSpan(1, Name.Length - 2) : Name, out address!) && (isBracketed || address.ToString() == Name);
    }
}
