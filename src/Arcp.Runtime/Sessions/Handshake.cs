using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Core.Messages;
using Arcp.Core.Serialization;
using Arcp.Core.Transports;
using Arcp.Runtime.Authentication;
using Arcp.Runtime.Diagnostics;

namespace Arcp.Runtime.Sessions;

/// <summary>Turns a bare connection into a session with an authenticated principal (§6.1–§6.3), or refuses it. Nothing else runs before.</summary>
internal sealed class Handshake(SessionServices services)
{
    /// <summary>The features that this runtime serves everybody.</summary>
    private const Features OfferedToAll = Features.Heartbeat | Features.Ack | Features.ListJobs | Features.Subscribe | Features.LeaseExpiresAt
        | Features.CostBudget | Features.ModelUse | Features.Progress | Features.ResultChunk | Features.AgentVersions;

    /// <summary>Answers the first frame. The welcome is queued in the session's outbox.</summary>
    /// <param name="first">The first frame.</param>
    /// <param name="connection">The connection that the session gets.</param>
    /// <param name="context">What the host knows of it.</param>
    /// <param name="stopping">Ends when the runtime stops or the connection is cut. The wait for the runtime's store, which has a bound of its own, is not the peer's time.</param>
    /// <param name="cancellationToken">Ends with the handshake's time.</param>
    /// <exception cref="ArcpException">The connection is refused.</exception>
    public async Task<Session> PerformAsync(Envelope first, SessionConnection connection, ConnectionContext context, CancellationToken stopping, CancellationToken cancellationToken)
    {
        switch (first.Message)
        {
            case SessionHello hello:
                Principal? known = await AuthenticateAsync(hello.Auth, context, cancellationToken).ConfigureAwait(false);
                return ResumeOf(hello) is { } data
                    ? await ResumeAsync(data with { Features = FeaturesOf(hello, known is null) }, IsOwnedBy(known), connection, first.Header, stopping).ConfigureAwait(false)
                    : await OpenAsync(hello, known, connection, context, first.Header, stopping).ConfigureAwait(false);
            case SessionResume resume:
                Func<Principal, bool> isOwner = resume.Auth is null && context.Principal is null
                    ? static _ => true // the token alone proves it
                    : IsOwnedBy(await AuthenticateAsync(resume.Auth, context, cancellationToken).ConfigureAwait(false));
                return await ResumeAsync(new ResumeData(resume.ResumeToken, resume.LastEventSeq ?? 0, null), isOwner, connection, first.Header, stopping).ConfigureAwait(false);
            default:
                throw Unauthenticated("The first frame must be session.hello or session.resume.");
        }
    }

    /// <summary>Reads the first frame out of what arrived.</summary>
    /// <param name="status">What the reading came to.</param>
    /// <param name="buffer">The frame.</param>
    /// <param name="header">Its header, as far as it could be read, also when it is refused.</param>
    /// <exception cref="ArcpException">It is none that opens a session.</exception>
    public static Envelope Decode(FrameReadStatus status, FrameBuffer buffer, out FrameHeader header)
    {
        header = default;
        if (status is FrameReadStatus.Closed)
        {
            throw new TransportException("The peer has closed the connection before a hello.");
        }

        if (status is FrameReadStatus.TooLarge)
        {
            throw new ArcpException(ErrorCode.InvalidRequest, $"The frame is too large; accepted are {buffer.Limit} bytes.");
        }

        if (status is FrameReadStatus.Frame)
        {
            if (FrameReader.TryRead(buffer.WrittenSpan, Peer.Runtime, out Envelope? envelope, out FrameError? error))
            {
                header = envelope.Header;
                return envelope;
            }

            header = error.Header;

            // A hello that is broken is told what is wrong; anything else has no business here.
            if (error.Type is "session.hello" or "session.resume" || error.Kind is FrameErrorKind.UnsupportedVersion or FrameErrorKind.TooDeep)
            {
                throw new ArcpException(ErrorCode.InvalidRequest, error.Message);
            }
        }

        throw Unauthenticated("The first frame must be session.hello or session.resume.");
    }

    private static ArcpException Unauthenticated(string message) => new(ErrorCode.Unauthenticated, message);

    private static ArcpException Expired() => new(ErrorCode.ResumeWindowExpired, "The session cannot be resumed; open a new one.");

    private static ResumeData? ResumeOf(SessionHello hello) =>
        (hello.Resume?.ResumeToken ?? hello.Resume?.Token ?? hello.ResumeToken) is { } token
            ? new ResumeData(token, hello.Resume?.LastEventSeq ?? hello.LastEventSeq ?? 0, null)
            : null;

    private static Func<Principal, bool> IsOwnedBy(Principal? known) =>
        owner => known is null ? owner.IsAnonymous : owner == known;

    // Credentials are never for those who have not proved who they are (§6.2).
    private Features FeaturesOf(SessionHello hello, bool isAnonymous) => FeatureNames.Parse(hello.Capabilities?.Features)
        & (services.Broker is not null && !isAnonymous ? OfferedToAll | Features.ProvisionedCredentials : OfferedToAll);

    /// <summary>Finds the principal; null = anonymous.</summary>
    private async Task<Principal?> AuthenticateAsync(SessionAuth? auth, ConnectionContext context, CancellationToken cancellationToken)
    {
        if (context.Principal is { } known)
        {
            return known;
        }

        switch (auth?.Scheme)
        {
            case "bearer" when !string.IsNullOrWhiteSpace(auth.Token):
                return await CheckAsync(auth.Token, context, cancellationToken).ConfigureAwait(false) ?? throw Unauthenticated("The token is not accepted.");
            case "bearer":
                throw Unauthenticated("auth: the bearer token is empty.");
            case "anonymous" or "none" when services.Options.AllowAnonymous:
                return null;
            case null:
                throw Unauthenticated("auth is required: a scheme and a token.");
            default:
                throw Unauthenticated("auth: this scheme is not accepted; accepted is bearer.");
        }
    }

    private async Task<Principal?> CheckAsync(string token, ConnectionContext context, CancellationToken cancellationToken)
    {
        try
        {
            return await services.Authenticator.AuthenticateAsync(token, context, cancellationToken).AsTask().WaitAsync(cancellationToken).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // The authenticator is the host's code; whatever it throws, nobody gets in.
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            Log.AuthenticatorFailed(services.Logger, e);
            throw new ArcpException(ErrorCode.InternalError, "The token could not be checked.");
        }
    }

    private async Task<Session> OpenAsync(
        SessionHello hello, Principal? known, SessionConnection connection, ConnectionContext context, FrameHeader header, CancellationToken stopping)
    {
        SessionId id = SessionId.New(services.Clock);
        Principal principal = known ?? Principal.Anonymous(id.Value);
        Session session = services.SessionFactory.Create(id, principal);

        string token = ResumeTokenHash.Mint(out ResumeTokenHash hash);
        if (!services.Sessions.TryAdd(session, connection, hash))
        {
            throw new ArcpException(
                ErrorCode.InternalError,
                $"The limit of {services.Options.MaxSessionsPerPrincipal} sessions per principal is reached; try again when one has ended.",
                retryable: true);
        }

        Features features = FeaturesOf(hello, known is null);
        try
        {
            await session.Store.KeepAsync(features, hash, isNew: true, stopping).ConfigureAwait(false);
        }
        catch
        {
            services.Sessions.Remove(session);
            throw;
        }

        Begin(session, connection, token, lastEventSeq: null, features, header);
        Log.SessionOpened(services.Logger, id, principal.Name, hello.Client?.Name ?? hello.ClientName, context.RemoteAddress);
        return session;
    }

    // A failed attempt consumes nothing: the token is used up only when the new connection has the session.
    private async Task<Session> ResumeAsync(
        ResumeData data, Func<Principal, bool> isOwner, SessionConnection connection, FrameHeader header, CancellationToken stopping)
    {
        ResumeTokenHash hash = ResumeTokenHash.Of(data.Token);
        long last = Math.Max(0, data.LastEventSeq);
        bool mayResume = services.Sessions.Find(hash) is { } found && isOwner(found.Principal) && found.Outbox.CanReplay(last);
        if (!mayResume || !services.Sessions.TryClaim(hash, out Session? session, out SessionConnection? old))
        {
            throw Expired();
        }

        if (old is not null)
        {
            old.End(ConnectionEnd.OfAbsentPeer(
                "the session was resumed on another connection", session.Frame(new SessionClosed { Reason = "The session was resumed on another connection." })));
            await old.Released.ConfigureAwait(false);
        }

        string next = ResumeTokenHash.Mint(out ResumeTokenHash nextHash);
        Features features = data.Features ?? session.Features;
        try
        {
            await session.Store.KeepAsync(features, nextHash, isNew: false, stopping).ConfigureAwait(false);
            if (!Begin(session, connection, next, last, features, header))
            {
                throw Expired();
            }
        }
        catch
        {
            session.Store.AppendUnresumed(session.Features, hash);
            services.Sessions.Release(session);
            throw;
        }

        services.Sessions.Attach(session, connection, nextHash);
        Log.SessionResumed(services.Logger, session.Id, last);
        return session;
    }

    private bool Begin(Session session, SessionConnection connection, string token, long? lastEventSeq, Features features, FrameHeader header)
    {
        var welcome = new SessionWelcome
        {
            Runtime = new RuntimeInfo { Name = services.Options.Name, Version = services.Options.Version },
            ResumeToken = token,
            ResumeWindowSec = services.Options.ResumeWindow.TotalSeconds,
            HeartbeatIntervalSec = features.HasFlag(Features.Heartbeat) ? Math.Max(1, services.Options.HeartbeatInterval.TotalSeconds) : null,
            Capabilities = new RuntimeCapabilities
            {
                Encodings = ["json"],
                Features = features.ToNames(),
                Agents = services.Agents.Offered,
            },
        };
        bool begun = session.Outbox.TryBegin(
            new OutboxConnection(session, connection),
            features,
            session.Frame(welcome, header),
            lastEventSeq);
        session.Features = begun ? features : session.Features;
        return begun;
    }

    private sealed record ResumeData(string Token, long LastEventSeq, Features? Features);
}
