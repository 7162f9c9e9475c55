using Arcp.Core;
using Arcp.Core.Ids;

namespace Arcp.Runtime.Storage;

/// <summary>One thing that a store has to keep. The set is closed; a store that meets a kind it does not know throws <see cref="NotSupportedException"/>.</summary>
public abstract record StoreChange
{
    private StoreChange()
    {
    }

    /// <summary>A job was accepted, or delegated. When the job is kept already, nothing changes.</summary>
    /// <param name="Added">The job, without entries and without an end: what it says of those is not looked at.</param>
    public sealed record JobAdded(StoredJob Added) : StoreChange;

    /// <summary>A job's log has grown by one entry.</summary>
    /// <param name="JobId">The job.</param>
    /// <param name="Entry">The entry; its number is the next one. An entry that is kept already stays as it is; one that would leave a gap makes the commit fail with <see cref="ArgumentException"/>.</param>
    public sealed record EntryAppended(JobId JobId, StoredEntry Entry) : StoreChange;

    /// <summary>A job has ended. Its last entry tells how.</summary>
    /// <param name="JobId">The job.</param>
    /// <param name="Status">A terminal status.</param>
    /// <param name="At">When.</param>
    public sealed record JobEnded(JobId JobId, JobStatus Status, DateTimeOffset At) : StoreChange;

    /// <summary>A child job was announced to its parent's readers.</summary>
    /// <param name="JobId">The child.</param>
    /// <param name="AnnouncedAt">The number of the entry in the parent's log.</param>
    public sealed record ChildAnnounced(JobId JobId, long AnnouncedAt) : StoreChange;

    /// <summary>What is left of a job's budgets has changed.</summary>
    /// <param name="JobId">The job.</param>
    /// <param name="Remaining">All its budgets, by currency.</param>
    public sealed record BudgetChanged(JobId JobId, IReadOnlyDictionary<string, decimal> Remaining) : StoreChange;

    /// <summary>A job is no longer listed and can no longer be subscribed to. What sessions have been sent of it, or still have to be, stays for them.</summary>
    /// <param name="JobId">The job.</param>
    public sealed record JobForgotten(JobId JobId) : StoreChange;

    /// <summary>A submit was accepted under an idempotency key. It replaces what was kept under the key, and is kept whether or not its job is.</summary>
    /// <param name="Answer">What it was answered with.</param>
    public sealed record AnswerKept(StoredAnswer Answer) : StoreChange;

    /// <summary>An idempotency key is free again.</summary>
    /// <param name="Principal">The scope.</param>
    /// <param name="Key">The key.</param>
    public sealed record AnswerForgotten(StoredPrincipal Principal, string Key) : StoreChange;

    /// <summary>A session was opened or resumed: it is connected now, and only this token resumes it. Its cursors, sent frames and numbers stay as they are.</summary>
    /// <param name="SessionId">The session.</param>
    /// <param name="Principal">Whose it is.</param>
    /// <param name="Features">What was negotiated, as a bit set.</param>
    /// <param name="TokenHash">The SHA-256 of its resume token.</param>
    public sealed record SessionKept(SessionId SessionId, StoredPrincipal Principal, int Features, ReadOnlyMemory<byte> TokenHash) : StoreChange;

    /// <summary>A session's connection has ended: its resume window runs.</summary>
    /// <param name="SessionId">The session.</param>
    /// <param name="At">Since when.</param>
    public sealed record SessionDetached(SessionId SessionId, DateTimeOffset At) : StoreChange;

    /// <summary>A session's window is over: its cursors and sent frames go with it.</summary>
    /// <param name="SessionId">The session.</param>
    public sealed record SessionForgotten(SessionId SessionId) : StoreChange;

    /// <summary>A session was given frames to send. Its cursor on a job moves on with them, to the last entry that was sent; never back.</summary>
    /// <remarks>Frames of a job that is not kept cannot be sent again: they count as sent and are released, with all before them.</remarks>
    /// <param name="SessionId">The session.</param>
    /// <param name="Frames">The frames, with neighbouring numbers, the first behind the last one kept.</param>
    public sealed record FramesSent(SessionId SessionId, IReadOnlyList<StoredFrames> Frames) : StoreChange;

    /// <summary>A session can no longer be asked for its first frames.</summary>
    /// <param name="SessionId">The session.</param>
    /// <param name="UpTo">The last one of them.</param>
    public sealed record FramesReleased(SessionId SessionId, long UpTo) : StoreChange;

    /// <summary>A session reads a job's log. When it does so already, nothing changes.</summary>
    /// <param name="SessionId">The session.</param>
    /// <param name="Cursor">Where it begins.</param>
    public sealed record CursorOpened(SessionId SessionId, StoredCursor Cursor) : StoreChange;

    /// <summary>A session reads a job's log no longer.</summary>
    /// <param name="SessionId">The session.</param>
    /// <param name="JobId">The job.</param>
    public sealed record CursorClosed(SessionId SessionId, JobId JobId) : StoreChange;

    /// <summary>A value was lent that must be revoked. It is kept whether or not its job is.</summary>
    /// <param name="Credential">The value, encrypted.</param>
    public sealed record CredentialKept(StoredCredential Credential) : StoreChange;

    /// <summary>A value was revoked.</summary>
    /// <param name="Key">The record's <see cref="StoredCredential.Key"/>.</param>
    public sealed record CredentialForgotten(string Key) : StoreChange;

    /// <summary>The key that seals the cursors of listings, so that they hold over a restart.</summary>
    /// <param name="Key">The key.</param>
    public sealed record ListingKeyKept(ReadOnlyMemory<byte> Key) : StoreChange;
}
