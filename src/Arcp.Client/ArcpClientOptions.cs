using System.Net.WebSockets;
using System.Text.Json;
using Arcp.Core;
using Microsoft.Extensions.Logging;

namespace Arcp.Client;

/// <summary>How a client connects. Read once, when it connects; later changes have no effect.</summary>
public sealed class ArcpClientOptions
{
    /// <summary>The bearer token that proves who is asking (§6.1); null = an anonymous session, which only some hosts allow. A secret.</summary>
    public string? Token { get; set; }

    /// <summary>
    /// Gives the bearer token instead of <see cref="Token"/>, for tokens that expire: asked before each attempt to connect, within <see cref="HandshakeTimeout"/>, always for the same principal.
    /// Its failure, or an empty token, is a failed attempt: <see cref="ArcpClient.ConnectAsync(Uri, ArcpClientOptions?, CancellationToken)"/> ends with <see cref="ArcpConnectionException"/>, later attempts are repeated as <see cref="Reconnect"/> says.
    /// With it, a session that the runtime ends with <c>UNAUTHENTICATED</c> is made again; a token that is refused in the hello is not tried twice. Null = none.
    /// </summary>
    public Func<CancellationToken, ValueTask<string>>? TokenProvider { get; set; }

    /// <summary>The name of the client program, sent in the hello. Default <c>arcp-dotnet</c>.</summary>
    public string ClientName { get; set; } = "arcp-dotnet";

    /// <summary>The version of the client program, sent in the hello. Default: this library's.</summary>
    public string? ClientVersion { get; set; } = typeof(ArcpClientOptions).Assembly.GetName().Version?.ToString(fieldCount: 3);

    /// <summary>The optional parts of the protocol that are offered to the runtime (§6.2). Default all. Without <see cref="Core.Features.Progress"/> or <see cref="Core.Features.ResultChunk"/> the client cannot count along in a job's log, so that a handle may get events twice when its session is replaced by a new one.</summary>
    public Features Features { get; set; } = FeatureNames.All;

    /// <summary>How long connecting may take as a whole: opening the transport, hello and welcome. Greater than zero; default 10 seconds.</summary>
    public TimeSpan HandshakeTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a request (a submit, a subscription, a cancel, a page of a listing) may wait for its answer, its turn and reconnects included. Greater than zero, or <see cref="Timeout.InfiniteTimeSpan"/>; default 60 seconds.</summary>
    public TimeSpan RequestTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a close waits for the runtime to say goodbye, and then again for the transport to close (§6.7). Greater than zero; default 2 seconds.</summary>
    public TimeSpan CloseTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>The largest frame that is accepted, in bytes (§4). At least 1024; default 16 MiB. A larger one ends the connection.</summary>
    public int MaxFrameBytes { get; set; } = 16 * 1024 * 1024;

    /// <summary>The largest streamed result that is put together, in bytes (§8.4). 0 to 2,000,000,000; default 256 MiB. A larger one fails its job's handle. Without <see cref="SubmitOptions.BufferResult"/> nothing is put together, and this does not count.</summary>
    public long MaxResultBytes { get; set; } = 256 * 1024 * 1024;

    /// <summary>How many requests may wait to be written before further ones wait for room. At least 1; default 256.</summary>
    public int OutgoingQueueCapacity { get; set; } = 256;

    /// <summary>How many events are kept per job for consumers of <see cref="JobView.Events"/> that come later or are slower. At least 1; default 100,000. Beyond that the oldest are let go, and who wanted them gets <see cref="EventsDroppedException"/>; a result that is buffered is not concerned.</summary>
    public int MaxEventsPerJob { get; set; } = 100_000;

    /// <summary>How many bytes of events, as they came in their frames, are kept likewise. At least 1; default 64 MiB. The newest event is always kept.</summary>
    public long MaxEventBytesPerJob { get; set; } = 64 * 1024 * 1024;

    /// <summary>
    /// How many child jobs (§10), and their children, are followed per job that is submitted; 0 to 1,000, default 1,000. Beyond that the oldest that has ended and is not open is let go for a new one;
    /// are there none, the new one is not followed. Likewise <see cref="MaxEventBytesPerJob"/> holds for the events of all of them together: are there none to be let go, the child that sends keeps less of its own.
    /// </summary>
    public int MaxChildrenPerJob { get; set; } = 1000;

    /// <summary>How many messages are kept for <see cref="ArcpClient.UnclaimedMessages"/>. At least 1; default 1,000. Beyond that the oldest are let go.</summary>
    public int MaxUnclaimedMessages { get; set; } = 1000;

    /// <summary>What happens when the connection is lost.</summary>
    public ReconnectOptions Reconnect { get; set; } = new();

    /// <summary>How inputs and results of your own types are written and read, where no contract is given. Null, the default, means <see cref="JsonSerializerOptions.Web"/>.</summary>
    public JsonSerializerOptions? JsonSerializerOptions { get; set; }

    /// <summary>Sets up the WebSocket before it connects: headers, proxy, certificates, sub-protocols. Not used with a transport factory.</summary>
    public Action<ClientWebSocketOptions>? ConfigureWebSocket { get; set; }

    /// <summary>The clock of all time-outs and ids. Default the system's.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    /// <summary>Where logs go, category <c>Arcp.Client</c>. Default nowhere. Secrets are never logged.</summary>
    public ILoggerFactory? LoggerFactory { get; set; }

    /// <summary>Whether the sessions are nobody's in particular (§6.1).</summary>
    internal bool IsAnonymous => Token is null && TokenProvider is null;

    /// <summary>Checks and copies.</summary>
    internal ArcpClientOptions Validated()
    {
        if (Token is not null)
        {
            ArgumentException.ThrowIfNullOrWhiteSpace(Token, nameof(Token));
            if (TokenProvider is not null)
            {
                throw new ArgumentException("A token and a token provider exclude each other.", nameof(TokenProvider));
            }
        }

        ArgumentException.ThrowIfNullOrWhiteSpace(ClientName, nameof(ClientName));
        ArgumentNullException.ThrowIfNull(TimeProvider, nameof(TimeProvider));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(HandshakeTimeout, TimeSpan.Zero, nameof(HandshakeTimeout));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(CloseTimeout, TimeSpan.Zero, nameof(CloseTimeout));
        if (RequestTimeout != Timeout.InfiniteTimeSpan)
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(RequestTimeout, TimeSpan.Zero, nameof(RequestTimeout));
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(MaxFrameBytes, 1024, nameof(MaxFrameBytes));
        ArgumentOutOfRangeException.ThrowIfNegative(MaxResultBytes, nameof(MaxResultBytes));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxResultBytes, 2_000_000_000, nameof(MaxResultBytes));
        ArgumentOutOfRangeException.ThrowIfLessThan(OutgoingQueueCapacity, 1, nameof(OutgoingQueueCapacity));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxEventsPerJob, 1, nameof(MaxEventsPerJob));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxEventBytesPerJob, 1, nameof(MaxEventBytesPerJob));
        ArgumentOutOfRangeException.ThrowIfNegative(MaxChildrenPerJob, nameof(MaxChildrenPerJob));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxChildrenPerJob, 1000, nameof(MaxChildrenPerJob));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxUnclaimedMessages, 1, nameof(MaxUnclaimedMessages));
        ArgumentNullException.ThrowIfNull(Reconnect, nameof(Reconnect));
        var copy = (ArcpClientOptions)MemberwiseClone();
        copy.Reconnect = Reconnect.Validated();
        return copy;
    }
}
