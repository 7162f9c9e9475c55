using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Runtime.Configuration;
using Arcp.Runtime.Jobs;
using Arcp.Runtime.Storage;

namespace Arcp.Runtime.Sessions;

/// <summary>Makes the sessions of an earlier run, which wait to be resumed for the rest of their windows.</summary>
/// <param name="services">Where they go.</param>
/// <param name="jobs">The jobs of the earlier run.</param>
/// <param name="acceptances">The frames that accepted the jobs of a session.</param>
internal sealed class SessionRecovery(SessionServices services, IReadOnlyDictionary<JobId, Job> jobs, ILookup<SessionId, (Job Job, ReadOnlyMemory<byte> Frame)> acceptances)
{
    private readonly ArcpRuntimeOptions _options = services.Options;

    /// <summary>Makes a session.</summary>
    public void Restore(StoredSession stored)
    {
        var window = new SentWindow(_options.MaxHeldFramesPerSession, _options.MaxHeldBytesPerSession);
        window.Restore(stored.Floor, stored.LastSeq, stored.Sent.Select(frames => (jobs.GetValueOrDefault(frames.JobId)?.Known, frames)));
        Session session = services.SessionFactory.Create(stored.Id, StoredPrincipals.ToPrincipal(stored.Principal), window);
        session.Features = (Features)stored.Features;
        DateTimeOffset now = services.Clock.GetUtcNow();
        long left = ((stored.DetachedAt ?? now) + _options.ResumeWindow - now).Ticks;
        if (left <= 0)
        {
            session.Store.AppendForgotten();
            return;
        }

        if (stored.DetachedAt is null)
        {
            session.Store.AppendDetached();
        }

        Dictionary<JobId, long> positions = stored.Cursors.ToDictionary(cursor => cursor.JobId, cursor => cursor.Position);
        session.Outbox.Restore(stored.Cursors.Select(cursor => ToCursor(session, cursor, positions)).OfType<JobCursor>(), AnswersOf(session, window, positions));
        services.Sessions.Restore(session, ResumeTokenHash.FromBytes(stored.TokenHash), TimeSpan.FromTicks(Math.Min(left, _options.ResumeWindow.Ticks)));
    }

    // A cursor that has come to the end of its job has nothing to read any more.
    private JobCursor? ToCursor(Session session, StoredCursor stored, Dictionary<JobId, long> positions)
    {
        if (!jobs.TryGetValue(stored.JobId, out Job? job) || (job.Snapshot() is var now && now.State.IsTerminal && stored.Position >= now.LogLength))
        {
            return null;
        }

        return new JobCursor(job, session.Outbox, stored.IsSubscription) { Position = stored.Position, IsWaiting = IsUnannounced(job, stored, positions) };
    }

    // A child's frames come behind its announcement, which the session may still have to be sent (§10). A parent without a cursor was read to its end.
    private bool IsUnannounced(Job child, StoredCursor stored, Dictionary<JobId, long> positions) =>
        !stored.IsSubscription && child.Spec.ParentId is { } parentId
        && positions.TryGetValue(parentId, out long position) && jobs.TryGetValue(parentId, out Job? parent)
        && parent.Children.FindNumber(child) > position;

    // What the client may not have: whoever has a number has all that was sent before it, so nobody lacks the acceptance of a job whose first entry is acknowledged.
    private IEnumerable<(ControlFrame Frame, long AfterSeq)> AnswersOf(Session session, SentWindow window, Dictionary<JobId, long> positions)
    {
        foreach ((Job job, ReadOnlyMemory<byte> frame) in acceptances[session.Id])
        {
            long? afterSeq = window.FindSeq(job.Known, 1) is { } seq ? seq - 1
                : positions.TryGetValue(job.Spec.Id, out long position) && position == 0 ? window.LastSeq
                : null;
            if (afterSeq is { } number)
            {
                yield return (new ControlFrame(frame, OutlivesConnection: true) { IsCommitted = true, UntilReceived = true }, number);
            }
        }
    }
}
