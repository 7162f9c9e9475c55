using System.Security.Claims;
using Arcp.Runtime.Authentication;
using Microsoft.AspNetCore.Http;

namespace Arcp.AspNetCore;

/// <summary>The settings of one ARCP endpoint: who may connect to it from where, and on whose behalf (§4).</summary>
/// <remarks>Read once, by <c>MapArcp</c>, which reports what is wrong.</remarks>
public sealed class ArcpEndpointOptions
{
    /// <summary>
    /// The <c>Host</c> headers that are accepted: <c>name</c>, <c>name:port</c>, <c>*.name</c> (its sub-domains), an IPv4 address or an
    /// IPv6 address in brackets; without a port, any port. Default empty.
    /// </summary>
    /// <remarks>
    /// <para>
    /// Empty: a connection to a loopback address must name a loopback host (<c>localhost</c>, <c>*.localhost</c>, <c>127.0.0.0/8</c>,
    /// <c>[::1]</c>), so that no web page can reach a local runtime by a name of its own that it points here (DNS rebinding);
    /// other connections may name any host. Not empty: every connection must name a host of this list; loopback names, too,
    /// are then accepted only if they are on it. All else is refused with 403 before the upgrade.
    /// </para>
    /// <para>A proxy on the same machine that passes on the public name connects to a loopback address: list that name here.</para>
    /// </remarks>
    public IList<string> AllowedHosts { get; } = [];

    /// <summary>
    /// The web origins, beside the endpoint's own, whose pages may connect: <c>scheme://host</c> or <c>scheme://host:port</c> as browsers
    /// write them, without a path; a port that is the scheme's default may be left out. Default empty.
    /// </summary>
    /// <remarks>
    /// A request without an <c>Origin</c> header, as other programs than browsers send, is not concerned. An <c>Origin</c> that is neither the
    /// request's own scheme, host and port nor on this list, <c>null</c> included, is refused with 403 before the upgrade.
    /// Behind a proxy that ends TLS use the forwarded-headers middleware, or list the public origin here.
    /// </remarks>
    public IList<string> AllowedOrigins { get; } = [];

    /// <summary>
    /// Finds the principal of a request that the host has authenticated itself; what the client presents in its hello is then not looked at.
    /// Null (the default), or a function that returns null: the hello decides (§6.1).
    /// </summary>
    /// <remarks>
    /// Called once for each connection, before the upgrade; what it throws becomes a 500. A principal is known by its name alone, so a user
    /// and a bearer token of the same name own the same jobs. To refuse requests without a user before the upgrade, add
    /// <c>.RequireAuthorization()</c> to the endpoint.
    /// </remarks>
    public Func<HttpContext, Principal?>? PrincipalSelector { get; set; }

    /// <summary>
    /// How often a connection without traffic sends a WebSocket pong that nobody asked for. Default 2 minutes; 0 = never.
    /// </summary>
    /// <remarks>
    /// Only sessions that negotiated <c>heartbeat</c> are pinged by the protocol itself (§6.4). For all others this is what lets the network
    /// notice that a peer has vanished, and what keeps idle connections open in proxies. No answer is expected.
    /// </remarks>
    public TimeSpan KeepAliveInterval { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>Takes the principal from <see cref="HttpContext.User"/>: sets <see cref="PrincipalSelector"/>.</summary>
    /// <remarks>
    /// The name is the user's <c>NameIdentifier</c> claim, else <c>sub</c>, else the identity's name. A user who is not authenticated, or has
    /// none of these, is left to the hello.
    /// </remarks>
    /// <returns>These options.</returns>
    public ArcpEndpointOptions UseHttpUser()
    {
        PrincipalSelector = static context => NameOf(context.User) is { } name ? Principal.Named(name) : null;
        return this;
    }

    /// <summary>Lists what is wrong, each with what is accepted.</summary>
    internal IEnumerable<string> FindErrors()
    {
        foreach (string host in AllowedHosts)
        {
            if (!HostPattern.TryParse(host, out _))
            {
                yield return $"{nameof(AllowedHosts)}: '{host}' is not accepted; accepted are name, name:port, *.name, *.name:port, an IPv4 address and [an IPv6 address], in ASCII (xn-- for other scripts).";
            }
        }

        foreach (string origin in AllowedOrigins)
        {
            if (!WebOrigin.TryParse(origin, out _))
            {
                yield return $"{nameof(AllowedOrigins)}: '{origin}' is not accepted; accepted are scheme://host and scheme://host:port without a path.";
            }
        }

        if (KeepAliveInterval < TimeSpan.Zero || KeepAliveInterval > TimeSpan.FromDays(1))
        {
            yield return $"{nameof(KeepAliveInterval)} must be 0 to 1 day.";
        }
    }

    private static string? NameOf(ClaimsPrincipal user)
    {
        if (user.Identity is not { IsAuthenticated: true } identity)
        {
            return null;
        }

        string? name = user.FindFirstValue(ClaimTypes.NameIdentifier) ?? user.FindFirstValue("sub") ?? identity.Name;
        return string.IsNullOrWhiteSpace(name) ? null : name;
    }
}
