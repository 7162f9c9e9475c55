using System.Net;
using Microsoft.Extensions.Primitives;

namespace Arcp.AspNetCore;

/// <summary>Which requests may become connections (§4). Pure.</summary>
internal sealed class UpgradeRules
{
    private const string HostRefused = "The Host header is not accepted here. A runtime on a loopback address accepts loopback names; other names must be listed in AllowedHosts.";
    private const string OriginRefused = "The Origin is not accepted here. It must be the endpoint's own or be listed in AllowedOrigins.";

    private readonly HostPattern[] _hosts;
    private readonly HashSet<WebOrigin> _origins;

    /// <summary>Reads the lists, which have been checked.</summary>
    public UpgradeRules(ArcpEndpointOptions options)
    {
        _hosts = [.. options.AllowedHosts.Select(text => HostPattern.TryParse(text, out HostPattern host) ? host : throw new ArgumentException(text, nameof(options)))];
        _origins = [.. options.AllowedOrigins.Select(text => WebOrigin.TryParse(text, out WebOrigin origin) ? origin : throw new ArgumentException(text, nameof(options)))];
    }

    /// <summary>Why a request is refused, in words for its sender; null = it is not.</summary>
    /// <param name="localAddress">The address it came to; null = not over IP.</param>
    /// <param name="scheme">The request's scheme.</param>
    /// <param name="host">The <c>Host</c> header.</param>
    /// <param name="origin">The <c>Origin</c> headers.</param>
    public string? FindRefusal(IPAddress? localAddress, string scheme, string? host, StringValues origin)
    {
        bool isHost = HostAndPort.TryParse(host, out HostAndPort named);
        if (!IsAcceptedHost(localAddress, isHost, named))
        {
            return HostRefused;
        }

        return origin.Count == 0 || IsAcceptedOrigin(origin, isHost ? new WebOrigin(scheme.ToLowerInvariant(), named) : null) ? null : OriginRefused;
    }

    private bool IsAcceptedHost(IPAddress? localAddress, bool isHost, HostAndPort named)
    {
        if (_hosts.Length > 0)
        {
            return isHost && _hosts.Any(pattern => pattern.Matches(named));
        }

        return !IsLoopback(localAddress) || (isHost && named.IsLoopback);
    }

    private bool IsAcceptedOrigin(StringValues origin, WebOrigin? own) =>
        origin.Count == 1 && WebOrigin.TryParse(origin[0], out WebOrigin parsed) && (parsed == own || _origins.Contains(parsed));

    private static bool IsLoopback(IPAddress? address) =>
        address is not null && IPAddress.IsLoopback(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address);
}
