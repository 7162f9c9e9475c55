namespace Arcp.Storage.Sqlite;

/// <summary>Removes what nobody needs, a little at a time.</summary>
/// <remarks>A job is removed first, and what belonged to it after that, so that there is never half a job.</remarks>
internal sealed class StoreTrimmer
{
    private const int RowsPerStep = 200;
    private const int BytesPerStep = 1024 * 1024;

    // Where the next step looks for forgotten jobs: those that are still referred to must not be looked at again and again.
    private long _lookedAt;

    /// <summary>Takes a step, within a transaction.</summary>
    /// <returns>Whether there may be more to remove.</returns>
    public bool Step(Database database)
    {
        int rows = RowsPerStep;
        while (rows > 0 && database.Number("SELECT min(key) FROM removed_session") is { } session)
        {
            rows -= 1 + RemoveOfSession(database, session, rows);
        }

        int bytes = BytesPerStep;
        while (rows > 0 && bytes > 0 && database.Number("SELECT min(key) FROM removed_job") is { } job)
        {
            rows -= 1 + RemoveOfJob(database, job, rows, ref bytes);
        }

        return rows <= 0 || bytes <= 0 || FindForgotten(database, rows);
    }

    private static int RemoveOfSession(Database database, long session, int maxRows)
    {
        int removed = database.Execute("DELETE FROM sent WHERE session = $1 AND first_seq IN (SELECT first_seq FROM sent WHERE session = $1 ORDER BY first_seq LIMIT $2)", session, maxRows);
        if (removed < maxRows)
        {
            removed += database.Execute("DELETE FROM cursor WHERE session = $1 AND job IN (SELECT job FROM cursor WHERE session = $1 ORDER BY job LIMIT $2)", session, maxRows - removed);
        }

        if (removed < maxRows)
        {
            database.Execute("DELETE FROM removed_session WHERE key = $1", session);
        }

        return removed;
    }

    private static int RemoveOfJob(Database database, long job, int maxRows, ref int bytes)
    {
        int found = 0;
        long last = 0;
        using (var reader = database.Query("SELECT first, length(block) FROM entry WHERE job = $1 ORDER BY first LIMIT $2", job, maxRows))
        {
            for (; bytes > 0 && reader.Read(); found++)
            {
                last = reader.GetInt64(0);
                bytes -= reader.GetInt32(1);
            }
        }

        database.Execute("DELETE FROM entry WHERE job = $1 AND first <= $2", job, last);
        if (found < maxRows && bytes > 0)
        {
            database.Execute("DELETE FROM removed_job WHERE key = $1", job);
        }

        return found;
    }

    /// <summary>Removes forgotten jobs that no session refers to; their entries are left for the next step.</summary>
    private bool FindForgotten(Database database, int maxJobs)
    {
        var removable = new List<long>();
        int lookedAt = 0;
        using (var reader = database.Query(
            """
            SELECT job, EXISTS (SELECT 1 FROM cursor WHERE cursor.job = job_progress.job) OR EXISTS (SELECT 1 FROM sent WHERE sent.job = job_progress.job)
            FROM job_progress WHERE is_forgotten = 1 AND job > $1 ORDER BY job LIMIT $2
            """,
            _lookedAt,
            maxJobs))
        {
            for (; reader.Read(); lookedAt++)
            {
                _lookedAt = reader.GetInt64(0);
                if (!reader.GetFlag(1))
                {
                    removable.Add(_lookedAt);
                }
            }
        }

        foreach (long job in removable)
        {
            database.Execute("INSERT INTO removed_job (key) VALUES ($1)", job);
            database.Execute("DELETE FROM job_progress WHERE job = $1", job);
            database.Execute("DELETE FROM job WHERE key = $1", job);
        }

        if (lookedAt < maxJobs)
        {
            _lookedAt = 0;
        }

        return removable.Count > 0 || lookedAt == maxJobs;
    }
}
