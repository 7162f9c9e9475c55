using Arcp.Core;
using Arcp.Core.Ids;
using Microsoft.Extensions.Logging;

namespace Arcp.Client.Diagnostics;

/// <summary>All that the client logs: 1xxx sessions, 2xxx jobs. Secrets at no level.</summary>
internal static partial class Log
{
    [LoggerMessage(1001, LogLevel.Information, "Session {SessionId} is open with runtime {Runtime}, features {Features}.")]
    public static partial void SessionOpened(ILogger logger, SessionId sessionId, string? runtime, Features features);

    [LoggerMessage(1002, LogLevel.Information, "Session {SessionId}: the connection has ended: {Reason}")]
    public static partial void ConnectionEnded(ILogger logger, SessionId sessionId, string reason, Exception? cause);

    [LoggerMessage(1003, LogLevel.Debug, "Session {SessionId}: the peer did not close its side in time.")]
    public static partial void PeerDidNotClose(ILogger logger, SessionId sessionId);

    [LoggerMessage(1004, LogLevel.Warning, "Session {SessionId}: a frame of type {Type} is ignored: {Reason}")]
    public static partial void FrameIgnored(ILogger logger, SessionId? sessionId, string? type, string reason);

    [LoggerMessage(1005, LogLevel.Warning, "Session {SessionId}: the runtime says {Code}, which answers no request: {Message}")]
    public static partial void UnrelatedError(ILogger logger, SessionId? sessionId, ErrorCode code, string? message);

    [LoggerMessage(1006, LogLevel.Warning, "Session {SessionId}: the transport failed while it was disposed.")]
    public static partial void TransportFailed(ILogger logger, SessionId sessionId, Exception cause);

    [LoggerMessage(1007, LogLevel.Information, "Session {SessionId} goes on after {LastEventSeq}.")]
    public static partial void SessionResumed(ILogger logger, SessionId sessionId, long lastEventSeq);

    [LoggerMessage(1008, LogLevel.Warning, "Session {SessionId} could not be resumed; {NewSessionId} takes its place: {Reason}")]
    public static partial void SessionReplaced(ILogger logger, SessionId sessionId, SessionId newSessionId, string reason);

    [LoggerMessage(1009, LogLevel.Debug, "Session {SessionId}: attempt {Attempt} to connect again in {Delay}.")]
    public static partial void Reconnecting(ILogger logger, SessionId sessionId, int attempt, TimeSpan delay);

    [LoggerMessage(1010, LogLevel.Information, "Session {SessionId}: an attempt to connect again has failed.")]
    public static partial void ReconnectFailed(ILogger logger, SessionId sessionId, Exception cause);

    [LoggerMessage(1011, LogLevel.Warning, "Session {SessionId} is given up: {Reason}")]
    public static partial void SessionFailed(ILogger logger, SessionId sessionId, string reason, Exception? cause);

    [LoggerMessage(2001, LogLevel.Debug, "Job {JobId} was accepted, agent {Agent}.")]
    public static partial void JobAccepted(ILogger logger, JobId jobId, string? agent);

    [LoggerMessage(2002, LogLevel.Debug, "Job {JobId} was accepted, but nobody waits for it.")]
    public static partial void UnwantedJob(ILogger logger, JobId jobId);

    [LoggerMessage(2003, LogLevel.Debug, "Job {JobId} has ended: {Status}.")]
    public static partial void JobEnded(ILogger logger, JobId jobId, JobStatus status);

    [LoggerMessage(2004, LogLevel.Warning, "Job {JobId}: its result cannot be used: {Reason}")]
    public static partial void BadResult(ILogger logger, JobId jobId, string reason);

    [LoggerMessage(2005, LogLevel.Debug, "Request {RequestId} was refused: {Code}.")]
    public static partial void RequestRefused(ILogger logger, MessageId requestId, ErrorCode code);

    [LoggerMessage(2006, LogLevel.Warning, "Frames of jobs that nobody has accepted yet exceed the limit; those of job {JobId} are dropped.")]
    public static partial void HeldFramesDropped(ILogger logger, JobId jobId);

    [LoggerMessage(2007, LogLevel.Warning, "Job {JobId} cannot be followed in the new session: {Reason}")]
    public static partial void JobLost(ILogger logger, JobId jobId, string reason);

    [LoggerMessage(2008, LogLevel.Warning, "Job {JobId} is not followed: {Count} child jobs are already, because of the handle of job {ParentJobId}.")]
    public static partial void ChildNotFollowed(ILogger logger, JobId jobId, JobId parentJobId, int count);
}
