using Arcp.Core.Ids;
using Microsoft.Extensions.Logging;

namespace Arcp.Runtime.Diagnostics;

/// <summary>All that the runtime logs: 1xxx sessions, 2xxx jobs. Never a secret, at no level.</summary>
internal static partial class Log
{
    [LoggerMessage(1001, LogLevel.Debug, "Session {SessionId} opened for {Principal} by {Client} from {RemoteAddress}.")]
    public static partial void SessionOpened(ILogger logger, SessionId sessionId, string principal, string? client, string? remoteAddress);

    [LoggerMessage(1002, LogLevel.Debug, "Session {SessionId} resumed behind event_seq {LastEventSeq}.")]
    public static partial void SessionResumed(ILogger logger, SessionId sessionId, long lastEventSeq);

    [LoggerMessage(1003, LogLevel.Debug, "Session {SessionId} disconnected: {Reason}.")]
    public static partial void SessionDisconnected(ILogger logger, SessionId sessionId, string reason);

    [LoggerMessage(1004, LogLevel.Debug, "Session {SessionId} is gone: its resume window has closed.")]
    public static partial void SessionExpired(ILogger logger, SessionId sessionId);

    [LoggerMessage(1005, LogLevel.Information, "A connection from {RemoteAddress} was refused: {Code}, {Reason}")]
    public static partial void HandshakeRefused(ILogger logger, string? remoteAddress, string code, string reason);

    [LoggerMessage(1006, LogLevel.Debug, "Session {SessionId} sent a frame of the unknown type '{Type}', which is ignored.")]
    public static partial void UnknownTypeIgnored(ILogger logger, SessionId sessionId, string? type);

    [LoggerMessage(1007, LogLevel.Debug, "Session {SessionId}: {Code}, {Reason}")]
    public static partial void RequestRefused(ILogger logger, SessionId sessionId, string code, string reason);

    [LoggerMessage(1008, LogLevel.Error, "A connection ended by an unexpected error.")]
    public static partial void ConnectionFailed(ILogger logger, Exception exception);

    [LoggerMessage(1009, LogLevel.Error, "The authenticator failed.")]
    public static partial void AuthenticatorFailed(ILogger logger, Exception exception);

    [LoggerMessage(1010, LogLevel.Error, "Session {SessionId}: a request failed unexpectedly.")]
    public static partial void RequestFailed(ILogger logger, SessionId sessionId, Exception exception);

    [LoggerMessage(2001, LogLevel.Debug, "Job {JobId} of {Principal} accepted for {Agent}@{Version}.")]
    public static partial void JobAccepted(ILogger logger, JobId jobId, string principal, string agent, string version);

    [LoggerMessage(2002, LogLevel.Debug, "Job {JobId} ended: {Status}.")]
    public static partial void JobEnded(ILogger logger, JobId jobId, string status);

    [LoggerMessage(2003, LogLevel.Error, "Job {JobId}: agent {Agent} failed.")]
    public static partial void AgentFailed(ILogger logger, JobId jobId, string agent, Exception exception);

    [LoggerMessage(2004, LogLevel.Warning, "{Count} agents ignore the shutdown; their jobs have been ended without them.")]
    public static partial void AgentsIgnoreShutdown(ILogger logger, int count);

    [LoggerMessage(2005, LogLevel.Information, "Audit: {Observer} asks for job {JobId} of {Owner}: {Visibility}.")]
    public static partial void ObservationDecided(ILogger logger, string observer, JobId jobId, string owner, Enum visibility);
}
