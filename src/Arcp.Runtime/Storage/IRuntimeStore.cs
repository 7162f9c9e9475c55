using Arcp.Core.Ids;

namespace Arcp.Runtime.Storage;

/// <summary>Keeps what a runtime must not forget when its process ends: jobs and their logs, answers to submits, sessions, and credentials that must still be revoked.</summary>
/// <remarks>
/// The runtime calls <see cref="OpenAsync"/> once, before anything else, and disposes the store last, which may be while a commit that was given up is still under way. It commits one batch at a time, and trims only between two commits;
/// logs are read at any time, by many threads. No call blocks its caller while it waits for a medium. Secrets reach a store encrypted only. <c>RuntimeStoreConformanceTests</c> in Arcp.Conformance checks any implementation.
/// </remarks>
public interface IRuntimeStore : IAsyncDisposable
{
    /// <summary>Takes the store for this runtime alone and reads what is kept.</summary>
    /// <param name="contentVersion">The version of what this runtime writes, <see cref="RuntimeStoreContent.Version"/>. The store notes it.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>What is kept. Of the jobs that were forgotten only those that a session may still have to be sent.</returns>
    /// <exception cref="RuntimeStoreException">The store is in use, damaged, or was written by a newer version; the message says which and what to do. Opening may be tried again.</exception>
    ValueTask<StoredState> OpenAsync(int contentVersion, CancellationToken cancellationToken);

    /// <summary>Keeps changes: all of them or none, in their order, behind everything that was committed before.</summary>
    /// <param name="changes">The changes. When a commit has failed, whether or not it was kept all the same, they are given again, in the same order and with later ones behind them: keeping a change a second time must do nothing more.</param>
    /// <param name="cancellationToken">Gives up; the commit counts as failed.</param>
    /// <returns>Ends when the changes would survive what the store promises to survive.</returns>
    /// <exception cref="RuntimeStoreException">The medium failed: it is full, locked, damaged. A later commit may succeed.</exception>
    /// <remarks>
    /// A change about a job or a session that is not kept (any more) does nothing. What makes a batch safe to give again is the runtime's care as well: it speaks of a job or a
    /// session only after it was added, never adds one anew that was forgotten, and sends a frame for an entry only while the session's cursor on that job is open. The memory that changes refer to is the caller's again when the call has ended.
    /// </remarks>
    ValueTask CommitAsync(IReadOnlyList<StoreChange> changes, CancellationToken cancellationToken);

    /// <summary>Reads a part of a job's log.</summary>
    /// <param name="jobId">The job.</param>
    /// <param name="after">The number of the last entry that is not wanted; 0 = from the start.</param>
    /// <param name="maxBytes">How many bytes are wanted at most, with and without secrets counted together; one entry is given however large it is.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Entries with neighbouring numbers, the first being <paramref name="after"/> + 1; empty when there is none, or the job is not kept.</returns>
    /// <exception cref="RuntimeStoreException">The medium failed.</exception>
    ValueTask<IReadOnlyList<StoredEntry>> ReadLogAsync(JobId jobId, long after, int maxBytes, CancellationToken cancellationToken);

    /// <summary>Removes a little of what is kept and nobody needs: forgotten jobs that no session's cursor or sent frame refers to. Short enough that a commit may wait for it.</summary>
    /// <remarks>A job is removed as a whole to all who look: from then on it is not kept, also while parts of it still take space.</remarks>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Whether there may be more to remove.</returns>
    /// <exception cref="RuntimeStoreException">The medium failed.</exception>
    ValueTask<bool> TrimAsync(CancellationToken cancellationToken);
}
