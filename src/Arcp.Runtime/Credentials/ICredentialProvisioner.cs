using Arcp.Core;

namespace Arcp.Runtime.Credentials;

/// <summary>Issues credentials for jobs at a provider, and revokes them there (§9.8). Implemented by the host.</summary>
/// <remarks>
/// Thread-safe: calls for many jobs run at once. Exceptions are not shown to peers, but for an <see cref="ArcpException"/> with
/// <see cref="ErrorCode.BudgetExhausted"/>. Of other exceptions the runtime logs the type alone, because a message may quote a secret;
/// of an <see cref="ArcpException"/> also the message.
/// </remarks>
public interface ICredentialProvisioner
{
    /// <summary>Issues the credentials of a job that is about to be accepted.</summary>
    /// <param name="request">The job.</param>
    /// <param name="cancellationToken">Cancelled when nobody waits for the answer any more: some time after <see cref="Configuration.CredentialOptions.IssueTimeout"/>, or at the end of a shutdown. An implementation that is cancelled has to see to it itself that nothing stays issued.</param>
    /// <returns>The credentials, each with a value of its own that no other job has; none = the job needs none.</returns>
    /// <exception cref="ArcpException">With <see cref="ErrorCode.BudgetExhausted"/>: the submit is refused with that code and message. Any other failure refuses it with <c>INTERNAL_ERROR</c>.</exception>
    ValueTask<IReadOnlyList<IssuedCredential>> IssueAsync(CredentialRequest request, CancellationToken cancellationToken);

    /// <summary>Issues a new value for a credential. The runtime revokes the current one once the new one is announced.</summary>
    /// <param name="request">The job.</param>
    /// <param name="current">The credential with its current value.</param>
    /// <param name="cancellationToken">As with <see cref="IssueAsync"/>.</param>
    /// <returns>The credential with a value that differs from the current one.</returns>
    ValueTask<IssuedCredential> RotateAsync(CredentialRequest request, OutstandingCredential current, CancellationToken cancellationToken);

    /// <summary>Revokes one value. Idempotent: revoking what is gone, or unknown, succeeds.</summary>
    /// <param name="credential">The credential with the value; it may come from an earlier run.</param>
    /// <param name="cancellationToken">Cancelled after <see cref="Configuration.CredentialOptions.RevocationAttemptTimeout"/>; the attempt has then failed.</param>
    /// <returns>Ends when the value is no longer accepted. A failure is tried again.</returns>
    ValueTask RevokeAsync(OutstandingCredential credential, CancellationToken cancellationToken);
}
