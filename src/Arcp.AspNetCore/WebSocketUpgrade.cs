using System.Diagnostics.CodeAnalysis;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Arcp.Core.Transports;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.WebSockets;

namespace Arcp.AspNetCore;

/// <summary>Makes a WebSocket request a transport, where possible one that sends many frames with one write.</summary>
internal static class WebSocketUpgrade
{
    /// <summary>Accepts a request that is known to be a WebSocket request.</summary>
    /// <param name="context">The request.</param>
    /// <param name="keepAliveInterval">How often a connection without traffic sends a pong.</param>
    /// <param name="keepAliveTimeout">What the application's <see cref="WebSocketOptions"/> say.</param>
    public static async Task<WebSocketTransport> AcceptAsync(HttpContext context, TimeSpan keepAliveInterval, TimeSpan keepAliveTimeout)
    {
        string? subProtocol = context.WebSockets.WebSocketRequestedProtocols.Contains(WebSocketTransport.SubProtocol) ? WebSocketTransport.SubProtocol : null;
        if (FindUpgrade(context) is not { } upgrade)
        {
            return new WebSocketTransport(await context.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext
            {
                SubProtocol = subProtocol,
                KeepAliveInterval = keepAliveInterval,
            }).ConfigureAwait(false));
        }

        AnswerHandshake(context, subProtocol);
        context.Features.Get<IHttpRequestTimeoutFeature>()?.DisableTimeout();
        Stream stream = await upgrade.UpgradeAsync().ConfigureAwait(false);
        var options = new WebSocketCreationOptions
        {
            IsServer = true,
            SubProtocol = subProtocol,
            KeepAliveInterval = keepAliveInterval,
            KeepAliveTimeout = keepAliveTimeout,
        };
        return FindOutput(context, upgrade) is { } output ? WebSocketTransport.OverStream(stream, output, options) : WebSocketTransport.OverStream(stream, options);
    }

    /// <summary>Finds the pipe that the upgraded stream writes to.</summary>
    /// <remarks>
    /// Kestrel's stream copies what it is given into the connection's pipe; frames that are laid out there in the first place need no copy. Kestrel itself sends nothing
    /// any more after the upgrade, and completes the pipe when the request has ended.
    /// </remarks>
    private static ConnectionOutput? FindOutput(HttpContext context, IHttpUpgradeFeature upgrade) =>
        upgrade.GetType().Assembly == typeof(KestrelServerOptions).Assembly
        && upgrade is IHttpRequestLifetimeFeature connection
        && context.Features.Get<IConnectionTransportFeature>() is { Transport.Output: { } output }
            ? new ConnectionOutput(output, connection)
            : null;

    /// <summary>Finds the bare connection below the request.</summary>
    /// <remarks>
    /// Over HTTP/2 there is none, and a server (or a test server) may have WebSockets of its own: only where ASP.NET Core's middleware
    /// would do the handshake over the connection, it may be done here in its place.
    /// </remarks>
    private static IHttpUpgradeFeature? FindUpgrade(HttpContext context) =>
        HttpProtocol.IsHttp11(context.Request.Protocol)
        && context.Features.Get<IHttpWebSocketFeature>()?.GetType().Assembly == typeof(WebSocketMiddleware).Assembly
        && context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } upgrade
            ? upgrade
            : null;

    [SuppressMessage("Security", "CA5350", Justification = "RFC 6455 asks for SHA-1; nothing secret depends on it.")]
    private static void AnswerHandshake(HttpContext context, string? subProtocol)
    {
        string key = context.Request.Headers.SecWebSocketKey.ToString();
        IHeaderDictionary headers = context.Response.Headers;
        headers.Connection = "Upgrade";
        headers.Upgrade = "websocket";
        headers.SecWebSocketAccept = Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
        if (subProtocol is not null)
        {
            headers.SecWebSocketProtocol = subProtocol;
        }
    }
}
