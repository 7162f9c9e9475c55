using System.Net;
using Arcp.Core.Transports;
using Arcp.Runtime;
using Arcp.Runtime.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Net.Http.Headers;

namespace Arcp.AspNetCore;

/// <summary>Turns requests into connections of the runtime, or says why not.</summary>
internal sealed class ArcpEndpoint(ArcpEndpointOptions options, ILogger logger)
{
    private readonly UpgradeRules _rules = new(options);
    private readonly Func<HttpContext, Principal?>? _selectPrincipal = options.PrincipalSelector;
    private readonly TimeSpan _keepAliveInterval = options.KeepAliveInterval;

    /// <summary>Serves one request; ends when its connection has.</summary>
    public async Task HandleAsync(HttpContext context)
    {
        HttpRequest request = context.Request;
        if (_rules.FindRefusal(context.Connection.LocalIpAddress, request.Scheme, request.Host.Value, request.Headers.Origin) is { } refusal)
        {
            Log.UpgradeRefused(logger, context.Connection.RemoteIpAddress, Shorten(request.Host.Value), Shorten(request.Headers.Origin), refusal);
            await AnswerAsync(context, StatusCodes.Status403Forbidden, refusal).ConfigureAwait(false);
            return;
        }

        if (!context.WebSockets.IsWebSocketRequest)
        {
            await AskForUpgradeAsync(context).ConfigureAwait(false);
            return;
        }

        if (context.RequestServices.GetService<IHostApplicationLifetime>() is { ApplicationStopping.IsCancellationRequested: true })
        {
            await AnswerAsync(context, StatusCodes.Status503ServiceUnavailable, "The runtime is shutting down.").ConfigureAwait(false);
            return;
        }

        await ConnectAsync(context).ConfigureAwait(false);
    }

    private static string? Shorten(string? text) => text is { Length: > 200 } ? text[..200] + "…" : text;

    private static Task AskForUpgradeAsync(HttpContext context)
    {
        const string text = "This is an ARCP endpoint; connect with a WebSocket (RFC 6455, version 13).";
        if (!HttpProtocol.IsHttp11(context.Request.Protocol))
        {
            return AnswerAsync(context, StatusCodes.Status400BadRequest, text); // later versions know no Upgrade header
        }

        context.Response.Headers[HeaderNames.Upgrade] = "websocket";
        context.Response.Headers.Append(HeaderNames.Connection, "Upgrade");
        return AnswerAsync(context, StatusCodes.Status426UpgradeRequired, text);
    }

    private static Task AnswerAsync(HttpContext context, int status, string text)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(text + "\n", context.RequestAborted);
    }

    private async Task ConnectAsync(HttpContext context)
    {
        ArcpRuntime runtime = context.RequestServices.GetRequiredService<ArcpRuntime>();
        var connection = new ConnectionContext
        {
            Principal = _selectPrincipal?.Invoke(context),
            RemoteAddress = context.Connection.RemoteIpAddress is { } address ? new IPEndPoint(address, context.Connection.RemotePort).ToString() : null,
            Properties = ArcpConnectionContextExtensions.PropertiesFor(context),
        };
        WebSocketTransport transport = await WebSocketUpgrade.AcceptAsync(context, _keepAliveInterval).ConfigureAwait(false);
        await runtime.RunConnectionAsync(transport, connection, context.RequestAborted).ConfigureAwait(false);
    }
}
