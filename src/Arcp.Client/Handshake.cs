using Arcp.Client.Diagnostics;
using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Messages;
using Arcp.Core.Serialization;
using Arcp.Core.Transports;
using Microsoft.Extensions.Logging;

namespace Arcp.Client;

/// <summary>Says hello over a fresh transport and waits for the welcome (§6.2).</summary>
/// <remarks>Reads and writes one after the other, before the connection's loops exist. The caller bounds the time and owns the transport.</remarks>
internal static class Handshake
{
    // §14; for runtimes that do not name theirs.
    private static readonly TimeSpan DefaultHeartbeat = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan MaxHeartbeat = TimeSpan.FromDays(1);

    /// <summary>What this client can do.</summary>
    public static Features Supported => FeatureNames.All;

    /// <summary>Opens a session, or goes on with one.</summary>
    /// <exception cref="ArcpException">The runtime has refused; its code.</exception>
    /// <exception cref="ArcpConnectionException">The connection ended, or what came was no welcome.</exception>
    public static async Task<WelcomedSession> OpenAsync(ITransport transport, ArcpClientOptions options, string? token, ResumeOffer? resume, ILogger logger, CancellationToken cancellationToken)
    {
        Features offered = options.Features & Supported;
        using var frame = new FrameBuffer(options.MaxFrameBytes);
        await SendAsync(transport, frame, Hello(options, token, offered, resume), options.TimeProvider, cancellationToken).ConfigureAwait(false);
        while (true)
        {
            frame.Clear();
            FrameReadStatus status = await transport.ReadAsync(frame, cancellationToken).ConfigureAwait(false);
            if (status is FrameReadStatus.Closed)
            {
                throw new ArcpConnectionException("The runtime has closed the connection instead of welcoming the client.");
            }

            if (status is FrameReadStatus.TooLarge)
            {
                throw new ArcpConnectionException($"The runtime has answered the hello with a frame of more than {options.MaxFrameBytes} bytes.");
            }

            if (status is FrameReadStatus.Frame && Read(frame, logger) is { } envelope)
            {
                if (envelope.Message is SessionPing ping)
                {
                    var pong = new SessionPong { PingNonce = ping.Nonce, ReceivedAt = options.TimeProvider.GetUtcNow() };
                    await SendAsync(transport, frame, pong, options.TimeProvider, cancellationToken).ConfigureAwait(false);
                }
                else if (Answer(envelope) is { } welcome)
                {
                    return Welcomed(envelope.Header, welcome, offered);
                }
            }
        }
    }

    private static SessionHello Hello(ArcpClientOptions options, string? token, Features offered, ResumeOffer? resume) => new()
    {
        Client = new ClientInfo { Name = options.ClientName, Version = options.ClientVersion },
        Auth = token is not null ? new SessionAuth { Scheme = "bearer", Token = token } : new SessionAuth { Scheme = "anonymous" },
        Capabilities = new ClientCapabilities { Encodings = ["json"], Features = offered.ToNames() },

        // §6.3: runtimes look in different places, so the same is said in all of them.
        Resume = resume is null ? null : new ResumeRequest
        {
            SessionId = resume.SessionId.Value,
            ResumeToken = resume.Token,
            Token = resume.Token,
            LastEventSeq = resume.LastEventSeq,
        },
        ResumeToken = resume?.Token,
        LastEventSeq = resume?.LastEventSeq,
    };

    private static async ValueTask SendAsync(ITransport transport, FrameBuffer frame, ArcpMessage message, TimeProvider clock, CancellationToken cancellationToken)
    {
        frame.Clear();
        FrameWriter.Write(frame, new Envelope(new FrameHeader { Id = MessageId.New(clock) }, message));
        await transport.WriteAsync(frame.WrittenMemory, cancellationToken).ConfigureAwait(false);
        await transport.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    private static Envelope? Read(FrameBuffer frame, ILogger logger)
    {
        if (FrameReader.TryRead(frame.WrittenSpan, Peer.Client, out Envelope? envelope, out FrameError? error))
        {
            return envelope;
        }

        // Anything but an unknown type stands where the answer was due.
        return error.Kind is FrameErrorKind.UnknownType
            ? Ignored(logger, error)
            : throw new ArcpConnectionException($"The runtime's answer to the hello cannot be read: {error.Message}");
    }

    private static Envelope? Ignored(ILogger logger, FrameError error)
    {
        Log.FrameIgnored(logger, error.Header.SessionId, error.Type, error.Message);
        return null;
    }

    private static SessionWelcome? Answer(Envelope envelope) => envelope.Message switch
    {
        SessionWelcome welcome => welcome,
        SessionError error => throw new ArcpException(error.Code, error.Message ?? string.Empty, error.Retryable) { Details = error.Details },
        JobError { JobId: null } error when envelope.Header.JobId is null => throw Jobs.JobTracker.ToException(error),
        SessionClosed closed => throw new ArcpConnectionException(
            string.IsNullOrEmpty(closed.Reason) ? "The runtime has closed the session instead of welcoming the client." : $"The runtime has closed the session: {closed.Reason}"),
        _ => null,
    };

    private static WelcomedSession Welcomed(in FrameHeader header, SessionWelcome welcome, Features offered)
    {
        // Some runtimes list all that they know instead of what both sides do.
        Features features = offered & FeatureNames.Parse(welcome.Capabilities?.Features);
        return new WelcomedSession
        {
            SessionId = header.SessionId ?? throw new ArcpConnectionException("The runtime's welcome names no session."),
            Runtime = new RuntimeInfo { Name = welcome.Runtime?.Name ?? welcome.RuntimeName, Version = welcome.Runtime?.Version ?? welcome.RuntimeVersion },
            Features = features,
            Agents = welcome.Capabilities?.Agents ?? [],
            ResumeToken = string.IsNullOrEmpty(welcome.ResumeToken) ? null : welcome.ResumeToken,
            Heartbeat = features.HasFlag(Features.Heartbeat) ? IntervalOf(welcome) : null,
        };
    }

    private static TimeSpan IntervalOf(SessionWelcome welcome) =>
        welcome.HeartbeatIntervalSec is { } seconds and > 0
            ? TimeSpan.FromSeconds(Math.Clamp(seconds, 1, MaxHeartbeat.TotalSeconds))
            : DefaultHeartbeat;
}

/// <summary>What a welcome has brought.</summary>
internal sealed record WelcomedSession
{
    public required SessionId SessionId { get; init; }

    public required RuntimeInfo Runtime { get; init; }

    public required Features Features { get; init; }

    public required IReadOnlyList<AgentInfo> Agents { get; init; }

    /// <summary>Resumes the session once; null = the runtime does not resume. A secret.</summary>
    public string? ResumeToken { get; init; }

    /// <summary>The heartbeat interval, when heartbeat is negotiated.</summary>
    public TimeSpan? Heartbeat { get; init; }

    /// <summary>Leaves out the resume token.</summary>
    public override string ToString() => $"WelcomedSession {{ SessionId = {SessionId}, Features = {Features} }}";
}

/// <summary>What a hello says to go on with a session (§6.3).</summary>
/// <param name="SessionId">The session.</param>
/// <param name="Token">The token of its last welcome. A secret.</param>
/// <param name="LastEventSeq">The highest number below which none is missing.</param>
internal sealed record ResumeOffer(SessionId SessionId, string Token, long LastEventSeq)
{
    /// <summary>Leaves out the token.</summary>
    public override string ToString() => $"ResumeOffer {{ SessionId = {SessionId}, LastEventSeq = {LastEventSeq} }}";
}
