using System.Net;
using Arcp.Core.Transports;
using Arcp.Runtime;
using Arcp.Runtime.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace Arcp.AspNetCore;

/// <summary>Turns requests into connections of the runtime, or says why not.</summary>
/// <param name="options">The endpoint's settings.</param>
/// <param name="services">The application's services. Those of a request would be kept for as long as its connection.</param>
/// <param name="logger">Where refusals are told.</param>
internal sealed class ArcpEndpoint(ArcpEndpointOptions options, IServiceProvider services, ILogger logger)
{
    private readonly Lazy<ArcpRuntime> _runtime = new(services.GetRequiredService<ArcpRuntime>);
    private readonly IHostApplicationLifetime? _lifetime = services.GetService<IHostApplicationLifetime>();
    private readonly TimeSpan _keepAliveTimeout = services.GetRequiredService<IOptions<WebSocketOptions>>().Value.KeepAliveTimeout;
    private readonly UpgradeRules _rules = new(options);
    private readonly Func<HttpContext, Principal?>? _selectPrincipal = options.PrincipalSelector;
    private readonly TimeSpan _keepAliveInterval = options.KeepAliveInterval;

    /// <summary>Serves one request; ends when its connection has.</summary>
    public Task HandleAsync(HttpContext context)
    {
        HttpRequest request = context.Request;
        var connection = context.Features.Get<IHttpConnectionFeature>(); // context.Connection would be one more object for as long as the connection
        if (_rules.FindRefusal(connection?.LocalIpAddress, request.Scheme, request.Host.Value, request.Headers.Origin) is { } refusal)
        {
            Log.UpgradeRefused(logger, connection?.RemoteIpAddress, Shorten(request.Host.Value), Shorten(request.Headers.Origin), refusal);
            return AnswerAsync(context, StatusCodes.Status403Forbidden, refusal);
        }

        if (!context.WebSockets.IsWebSocketRequest)
        {
            return AskForUpgradeAsync(context);
        }

        return _lifetime is { ApplicationStopping.IsCancellationRequested: true }
            ? AnswerAsync(context, StatusCodes.Status503ServiceUnavailable, "The runtime is shutting down.")
            : ConnectAsync(context);
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
        ArcpRuntime runtime = _runtime.Value;
        Principal? principal = _selectPrincipal?.Invoke(context);
        WebSocketTransport transport = await WebSocketUpgrade.AcceptAsync(context, _keepAliveInterval, _keepAliveTimeout).ConfigureAwait(false);
        await runtime.RunConnectionAsync(transport, Describe(context, principal), context.RequestAborted).ConfigureAwait(false);
    }

    private static ConnectionContext Describe(HttpContext context, Principal? principal) => new()
    {
        Principal = principal,
        RemoteAddress = context.Features.Get<IHttpConnectionFeature>() is { RemoteIpAddress: { } address } remote ? new IPEndPoint(address, remote.RemotePort).ToString() : null,
        Properties = ArcpConnectionContextExtensions.PropertiesFor(context),
    };
}
