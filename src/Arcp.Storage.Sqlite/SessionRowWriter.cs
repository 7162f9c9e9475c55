using Arcp.Core.Ids;
using Arcp.Runtime.Storage;

namespace Arcp.Storage.Sqlite;

/// <summary>Writes what one commit changes about sessions.</summary>
internal sealed class SessionRowWriter
{
    private readonly Database _database;
    private readonly JobRowWriter _jobs;

    public SessionRowWriter(Database database, JobRowWriter jobs)
    {
        _database = database;
        _jobs = jobs;
    }

    public void Keep(StoreChange.SessionKept kept) => _database.Execute(
        """
        INSERT INTO session (id, principal, is_anonymous, features, token_hash, last_seq, floor) VALUES ($1, $2, $3, $4, $5, 0, 0)
        ON CONFLICT (id) DO UPDATE SET principal = excluded.principal, is_anonymous = excluded.is_anonymous, features = excluded.features, token_hash = excluded.token_hash, detached_at = NULL
        """,
        kept.SessionId.Value,
        kept.Principal.Name,
        kept.Principal.IsAnonymous,
        kept.Features,
        Columns.ToBlob(kept.TokenHash));

    public void Detach(StoreChange.SessionDetached detached) =>
        _database.Execute("UPDATE session SET detached_at = $2 WHERE id = $1", detached.SessionId.Value, detached.At.UtcTicks);

    /// <summary>Removes the session. Its cursors and frames belong to nobody now; trimming removes them.</summary>
    public void Forget(SessionId id)
    {
        _database.Execute("INSERT INTO removed_session (key) SELECT key FROM session WHERE id = $1", id.Value);
        _database.Execute("DELETE FROM session WHERE id = $1", id.Value);
    }

    public void Send(StoreChange.FramesSent sent)
    {
        if (Find(sent.SessionId) is not var (session, lastSeq))
        {
            return;
        }

        long before = lastSeq;
        foreach (StoredFrames frames in sent.Frames)
        {
            long? job = _jobs.FindKey(frames.JobId);
            if (frames.FirstSeq > lastSeq)
            {
                lastSeq = frames.FirstSeq + frames.Count - 1;
                Keep(session, job, frames, lastSeq);
            }

            // Also for frames that are kept already: a batch that is given again may have opened its cursor anew.
            if (job is not null && frames.FirstEntry > 0)
            {
                _database.Execute(
                    "UPDATE cursor SET position = $3 WHERE session = $1 AND job = $2 AND position < $3", session, job, frames.FirstEntry + frames.Count - 1);
            }
        }

        if (lastSeq > before)
        {
            _database.Execute("UPDATE session SET last_seq = $2 WHERE key = $1", session, lastSeq);
        }
    }

    public void Release(StoreChange.FramesReleased released)
    {
        if (Find(released.SessionId) is var (session, _))
        {
            Release(session, released.UpTo);
        }
    }

    public void Open(StoreChange.CursorOpened opened)
    {
        if (Find(opened.SessionId) is var (session, _) && _jobs.FindKey(opened.Cursor.JobId) is { } job)
        {
            _database.Execute(
                "INSERT OR IGNORE INTO cursor (session, job, position, is_subscription) VALUES ($1, $2, $3, $4)", session, job, opened.Cursor.Position, opened.Cursor.IsSubscription);
        }
    }

    public void Close(StoreChange.CursorClosed closed)
    {
        if (Find(closed.SessionId) is var (session, _) && _jobs.FindKey(closed.JobId) is { } job)
        {
            _database.Execute("DELETE FROM cursor WHERE session = $1 AND job = $2", session, job);
        }
    }

    private void Keep(long session, long? job, StoredFrames frames, long last)
    {
        if (job is null)
        {
            Release(session, last);
            return;
        }

        _database.Execute(
            "INSERT INTO sent (session, first_seq, count, job, first_entry, size, own_tail) VALUES ($1, $2, $3, $4, $5, $6, $7)",
            session,
            frames.FirstSeq,
            frames.Count,
            job,
            frames.FirstEntry,
            frames.Size,
            frames.OwnTail.IsEmpty ? null : Columns.ToBlob(frames.OwnTail));
    }

    private void Release(long session, long upTo)
    {
        _database.Execute("UPDATE session SET floor = $2 WHERE key = $1 AND floor < $2", session, upTo);
        _database.Execute("DELETE FROM sent WHERE session = $1 AND first_seq <= $2 AND first_seq + count - 1 <= $2", session, upTo);
    }

    private (long Key, long LastSeq)? Find(SessionId id)
    {
        using var reader = _database.Query("SELECT key, last_seq FROM session WHERE id = $1", id.Value);
        return reader.Read() ? (reader.GetInt64(0), reader.GetInt64(1)) : null;
    }
}
