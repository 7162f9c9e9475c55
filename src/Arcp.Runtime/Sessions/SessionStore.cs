using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Runtime.Storage;

namespace Arcp.Runtime.Sessions;

/// <summary>What a session keeps in the runtime's store: who it is, what its numbers stand for, what it reads.</summary>
/// <remarks>Thread-safe. What concerns numbers and cursors is appended under the session's outbox's lock. Without a store everything counts as committed.</remarks>
internal sealed class SessionStore(SessionId sessionId, StoredPrincipal principal, Journal? journal, TimeProvider clock)
{
    /// <summary>Whether there is a store.</summary>
    public bool IsDurable => journal is not null;

    /// <summary>What was changed last; see <see cref="Journal.Position"/>.</summary>
    public long Position => journal?.Position ?? 0;

    /// <summary>What is committed.</summary>
    public long Committed => journal?.Committed ?? 0;

    /// <summary>Ends when everything up to a position is committed.</summary>
    public Task WhenCommittedAsync(long position) => journal?.WhenCommittedAsync(position) ?? Task.CompletedTask;

    /// <summary>Keeps the session with its token, before the token is shown.</summary>
    /// <param name="features">What was negotiated.</param>
    /// <param name="token">The token that resumes it from now on.</param>
    /// <param name="isNew">Whether nobody has heard of it yet.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArcpException"><c>INTERNAL_ERROR</c>, retryable: it cannot be kept, and all is as it was.</exception>
    public Task KeepAsync(Features features, ResumeTokenHash token, bool isNew, CancellationToken cancellationToken) =>
        journal?.KeepAsync([Kept(features, token)], isNew ? [new StoreChange.SessionForgotten(sessionId)] : [], cancellationToken) ?? Task.CompletedTask;

    /// <summary>A resume has failed: the token that it came with is good as before.</summary>
    public void AppendUnresumed(Features features, ResumeTokenHash token) => journal?.Append(Kept(features, token), Detached());

    /// <summary>The session's window begins.</summary>
    public void AppendDetached() => journal?.Append(Detached());

    /// <summary>The session's window is over.</summary>
    public void AppendForgotten() => journal?.Append(new StoreChange.SessionForgotten(sessionId));

    /// <summary>Frames were given numbers, and cursors have come to their jobs' ends.</summary>
    public void AppendSent(IReadOnlyList<StoredFrames> frames, IReadOnlyList<JobId> closed)
    {
        if (frames.Count > 0 || closed.Count > 0)
        {
            journal?.Append([new StoreChange.FramesSent(sessionId, frames), .. closed.Select(jobId => new StoreChange.CursorClosed(sessionId, jobId))]);
        }
    }

    /// <summary>First frames cannot be asked for any more.</summary>
    public void AppendReleased(long upTo) => journal?.Append(new StoreChange.FramesReleased(sessionId, upTo));

    /// <summary>The session subscribes to a job.</summary>
    public void AppendOpened(JobCursor cursor) => journal?.Append(new StoreChange.CursorOpened(sessionId, new StoredCursor(cursor.Job.Spec.Id, cursor.Position, cursor.IsSubscription)));

    /// <summary>The session reads a job no longer.</summary>
    public void AppendClosed(JobId jobId) => journal?.Append(new StoreChange.CursorClosed(sessionId, jobId));

    private StoreChange.SessionKept Kept(Features features, ResumeTokenHash token) => new(sessionId, principal, (int)features, token.Bytes);

    private StoreChange.SessionDetached Detached() => new(sessionId, clock.GetUtcNow());
}
