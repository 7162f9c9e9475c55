namespace Arcp.Runtime.Credentials;

/// <summary>Records every value that must still be revoked, before anybody sees it (§9.8), so that a later run can revoke what this one left.</summary>
/// <remarks>Thread-safe. A record is known by its id and value: while a credential is rotated, two values of one id are outstanding.</remarks>
public interface IRevocationStore
{
    /// <summary>Records a value. When this fails, the submit is refused and the value revoked.</summary>
    /// <param name="credential">The credential with the value.</param>
    /// <param name="cancellationToken">Cancelled after <see cref="Configuration.CredentialOptions.RevocationAttemptTimeout"/>.</param>
    /// <returns>Ends when the record would survive what the store promises to survive.</returns>
    ValueTask AddAsync(OutstandingCredential credential, CancellationToken cancellationToken);

    /// <summary>Forgets a value that has been revoked. Forgetting what is not there succeeds. A failure is tried again.</summary>
    /// <param name="credential">The credential with the value.</param>
    /// <param name="cancellationToken">As with <see cref="AddAsync"/>.</param>
    ValueTask RemoveAsync(OutstandingCredential credential, CancellationToken cancellationToken);

    /// <summary>Lists what is recorded. Called when the runtime starts.</summary>
    /// <param name="cancellationToken">As with <see cref="AddAsync"/>.</param>
    ValueTask<IReadOnlyList<OutstandingCredential>> ListAsync(CancellationToken cancellationToken);
}
