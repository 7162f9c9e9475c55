using Arcp.Client.Connections;
using Arcp.Core;
using Arcp.Core.Transports;
using Microsoft.Extensions.Logging;

namespace Arcp.Client;

/// <summary>Opens transports and sessions on them, each attempt within the handshake time-out.</summary>
internal sealed class SessionDialer(Func<CancellationToken, ValueTask<ITransport>> transportFactory, ArcpClientOptions options, ILogger logger)
{
    /// <summary>Opens a session, or goes on with one.</summary>
    /// <exception cref="ArcpException">The runtime has refused; its code.</exception>
    /// <exception cref="ArcpConnectionException">No connection came about, or it ended before the welcome.</exception>
    public async Task<(ClientConnection Connection, WelcomedSession Welcomed)> DialAsync(ResumeOffer? resume, CancellationToken cancellationToken)
    {
        using CancellationTokenSource timeout = new(options.HandshakeTimeout, options.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        ITransport? transport = null;
        try
        {
            string? token = await TokenAsync(either.Token).ConfigureAwait(false);
            transport = await transportFactory(either.Token).ConfigureAwait(false);
            WelcomedSession welcomed = await Handshake.OpenAsync(transport, options, token, resume, logger, either.Token).ConfigureAwait(false);
            var terms = new ConnectionTerms(welcomed.SessionId, welcomed.Heartbeat, welcomed.Features.HasFlag(Features.Ack));
            var limits = new ConnectionLimits(options.MaxFrameBytes, options.OutgoingQueueCapacity, options.CloseTimeout);
            var connection = new ClientConnection(transport, terms, limits, options.TimeProvider, logger);
            transport = null;
            return (connection, welcomed);
        }
        catch (Exception e) when (e is not (ArcpException or ArcpConnectionException or ArgumentException))
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw new ArcpConnectionException(
                timeout.IsCancellationRequested
                    ? $"The runtime has not welcomed the client within {options.HandshakeTimeout}."
                    : "The connection to the runtime could not be made.",
                e);
        }
        finally
        {
            if (transport is not null)
            {
                await transport.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    // The provider is the user's: whatever it throws is a failed attempt, and it cannot hold one up for ever.
    private async ValueTask<string?> TokenAsync(CancellationToken cancellationToken)
    {
        if (options.TokenProvider is not { } provider)
        {
            return options.Token;
        }

        string token;
        try
        {
            token = await provider(cancellationToken).AsTask().WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ArcpConnectionException("The token provider has failed.", e);
        }

        return string.IsNullOrWhiteSpace(token) ? throw new ArcpConnectionException("The token provider has given no token.") : token;
    }
}
