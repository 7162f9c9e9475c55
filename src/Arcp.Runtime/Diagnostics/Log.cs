using Arcp.Core.Ids;
using Microsoft.Extensions.Logging;

namespace Arcp.Runtime.Diagnostics;

/// <summary>All that the runtime logs: 1xxx sessions, 2xxx jobs, 3xxx leases, 4xxx credentials. Never a secret, at no level.</summary>
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
    public static partial void JobHasEnded(ILogger logger, JobId jobId, string status);

    [LoggerMessage(2003, LogLevel.Error, "Job {JobId}: agent {Agent} failed.")]
    public static partial void AgentFailed(ILogger logger, JobId jobId, string agent, Exception exception);

    [LoggerMessage(2004, LogLevel.Warning, "{Count} agents ignore the shutdown; their jobs have been ended without them.")]
    public static partial void AgentsIgnoreShutdown(ILogger logger, int count);

    [LoggerMessage(2005, LogLevel.Information, "Audit: {Observer} asks for job {JobId} of {Owner}: {Visibility}.")]
    public static partial void ObservationDecided(ILogger logger, string observer, JobId jobId, string owner, Enum visibility);

    [LoggerMessage(4001, LogLevel.Debug, "Job {JobId}: {Count} credentials issued.")]
    public static partial void CredentialsIssued(ILogger logger, JobId jobId, int count);

    [LoggerMessage(4002, LogLevel.Error, "Job {JobId}: no credentials issued: {Failure}.")]
    public static partial void CredentialsRefused(ILogger logger, JobId jobId, string failure);

    [LoggerMessage(4003, LogLevel.Warning, "Job {JobId}: the credential provisioner answered when nobody waited any more; what it issued is revoked.")]
    public static partial void CredentialsCameLate(ILogger logger, JobId jobId);

    [LoggerMessage(4004, LogLevel.Debug, "Job {JobId}: credential {CredentialId} rotated.")]
    public static partial void CredentialRotated(ILogger logger, JobId jobId, CredentialId credentialId);

    [LoggerMessage(4005, LogLevel.Debug, "Job {JobId}: a value of credential {CredentialId} revoked.")]
    public static partial void CredentialRevoked(ILogger logger, JobId jobId, CredentialId credentialId);

    [LoggerMessage(4006, LogLevel.Warning, "Job {JobId}: revoking credential {CredentialId} failed ({Failure}); attempt {Attempt}, the next in {Delay}.")]
    public static partial void RevocationFailed(ILogger logger, JobId jobId, CredentialId credentialId, string failure, int attempt, TimeSpan delay);

    [LoggerMessage(4007, LogLevel.Error, "Job {JobId}: a value of credential {CredentialId} for {Endpoint} could not be revoked in {Attempts} attempts ({Failure}). It is still valid and is tried again at the next start.")]
    public static partial void RevocationAbandoned(ILogger logger, JobId jobId, CredentialId credentialId, string endpoint, int attempts, string failure);

    [LoggerMessage(4008, LogLevel.Error, "The hook for revocations that were given up failed: {Failure}.")]
    public static partial void RevocationHookFailed(ILogger logger, string failure);

    [LoggerMessage(4009, LogLevel.Error, "Job {JobId}: credential {CredentialId} is revoked, but the revocation store does not forget it ({Failure}); it is revoked again at the next start.")]
    public static partial void RevocationNotForgotten(ILogger logger, JobId jobId, CredentialId credentialId, string failure);

    [LoggerMessage(4010, LogLevel.Information, "{Count} credentials of an earlier run are outstanding and are revoked now.")]
    public static partial void CredentialsRecovered(ILogger logger, int count);

    [LoggerMessage(4011, LogLevel.Error, "The revocation store cannot be listed ({Failure}), so credentials of an earlier run may be outstanding; attempt {Attempt}, the next in {Delay}.")]
    public static partial void CredentialRecoveryFailed(ILogger logger, string failure, int attempt, TimeSpan delay);

    [LoggerMessage(4012, LogLevel.Warning, "{Count} credentials are outstanding at shutdown; they stay in the revocation store and are revoked at the next start.")]
    public static partial void CredentialsLeft(ILogger logger, int count);

    [LoggerMessage(2006, LogLevel.Warning, "Job {JobId}: tool {Tool} failed.")]
    public static partial void ToolFailed(ILogger logger, JobId jobId, string tool, Exception exception);

    [LoggerMessage(3001, LogLevel.Information, "Job {JobId}: its lease has expired at {ExpiresAt}.")]
    public static partial void LeaseExpired(ILogger logger, JobId jobId, DateTimeOffset expiresAt);

    [LoggerMessage(4013, LogLevel.Warning, "Job {JobId}: its credentials are not revoked yet; its end is shown without waiting any longer.")]
    public static partial void RevocationIsSlow(ILogger logger, JobId jobId);

    [LoggerMessage(5001, LogLevel.Error, "The store could not commit {Count} changes; nothing that depends on them is shown. Attempt {Attempt}, the next in {Delay}.")]
    public static partial void CommitFailed(ILogger logger, int count, int attempt, TimeSpan delay, Exception exception);

    [LoggerMessage(5002, LogLevel.Error, "The store has not committed {Count} changes within {Limit}; requests are refused until it has.")]
    public static partial void CommitIsSlow(ILogger logger, int count, TimeSpan limit);

    [LoggerMessage(5003, LogLevel.Error, "Job {JobId}: its log could not be read from the store; attempt {Attempt}.")]
    public static partial void StoreReadFailed(ILogger logger, JobId jobId, int attempt, Exception exception);

    [LoggerMessage(5004, LogLevel.Warning, "The store could not remove what is no longer needed.")]
    public static partial void TrimFailed(ILogger logger, Exception exception);

    [LoggerMessage(5005, LogLevel.Critical, "The runtime has stopped, and {Count} changes are not in the store; no client has seen them.")]
    public static partial void ChangesNotKept(ILogger logger, long count);

    [LoggerMessage(5006, LogLevel.Information, "The store holds {Jobs} jobs, {Sessions} sessions and {Answers} answers; {Interrupted} jobs ran when the last run ended, and end now.")]
    public static partial void Recovered(ILogger logger, int jobs, int sessions, int answers, int interrupted);

    [LoggerMessage(5007, LogLevel.Error, "The store holds {Count} credentials that must still be revoked, and there is no credential provisioner that could.")]
    public static partial void CredentialsWithoutProvisioner(ILogger logger, int count);
}
