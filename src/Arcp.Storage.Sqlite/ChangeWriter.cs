using Arcp.Runtime.Storage;

namespace Arcp.Storage.Sqlite;

/// <summary>Writes the changes of one commit.</summary>
internal static class ChangeWriter
{
    /// <summary>How many changes are written between two looks at the token.</summary>
    private const int ChangesPerLook = 256;

    public static void Write(Database database, IReadOnlyList<StoreChange> changes, CancellationToken cancellationToken)
    {
        var jobs = new JobRowWriter(database);
        var sessions = new SessionRowWriter(database, jobs);
        for (int i = 0; i < changes.Count; i++)
        {
            if (i % ChangesPerLook == 0)
            {
                cancellationToken.ThrowIfCancellationRequested();
            }

            Write(database, jobs, sessions, changes[i]);
        }

        jobs.WriteEntries();
    }

    private static void Write(Database database, JobRowWriter jobs, SessionRowWriter sessions, StoreChange change)
    {
        switch (change)
        {
            case StoreChange.JobAdded c:
                jobs.Add(c.Added);
                break;
            case StoreChange.EntryAppended c:
                jobs.Append(c.JobId, c.Entry);
                break;
            case StoreChange.JobEnded c:
                jobs.Set(c.JobId, "UPDATE job_progress SET status = $2, ended_at = $3 WHERE job = $1", c.Status.Value, c.At.UtcTicks);
                break;
            case StoreChange.ChildAnnounced c:
                jobs.Set(c.JobId, "UPDATE job_progress SET announced_at = $2 WHERE job = $1", c.AnnouncedAt);
                break;
            case StoreChange.BudgetChanged c:
                jobs.Set(c.JobId, "UPDATE job_progress SET remaining = $2 WHERE job = $1", Columns.ToJson(c.Remaining));
                break;
            case StoreChange.JobForgotten c:
                jobs.Set(c.JobId, "UPDATE job_progress SET is_forgotten = 1 WHERE job = $1");
                break;
            case StoreChange.SessionKept c:
                sessions.Keep(c);
                break;
            case StoreChange.SessionDetached c:
                sessions.Detach(c);
                break;
            case StoreChange.SessionForgotten c:
                sessions.Forget(c.SessionId);
                break;
            case StoreChange.FramesSent c:
                sessions.Send(c);
                break;
            case StoreChange.FramesReleased c:
                sessions.Release(c);
                break;
            case StoreChange.CursorOpened c:
                sessions.Open(c);
                break;
            case StoreChange.CursorClosed c:
                sessions.Close(c);
                break;
            default:
                WriteRecord(database, change);
                break;
        }
    }

    private static void WriteRecord(Database database, StoreChange change)
    {
        switch (change)
        {
            case StoreChange.AnswerKept { Answer: { } answer }:
                database.Execute(
                    "INSERT OR REPLACE INTO answer (principal, is_anonymous, key, fingerprint, job_id, trace, payload, is_secret, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                    answer.Principal.Name,
                    answer.Principal.IsAnonymous,
                    answer.Key,
                    Columns.ToBlob(answer.Fingerprint),
                    answer.JobId.Value,
                    answer.Trace,
                    Columns.ToBlob(answer.Payload),
                    answer.IsSecret,
                    answer.ExpiresAt.UtcTicks);
                break;
            case StoreChange.AnswerForgotten c:
                database.Execute("DELETE FROM answer WHERE principal = $1 AND is_anonymous = $2 AND key = $3", c.Principal.Name, c.Principal.IsAnonymous, c.Key);
                break;
            case StoreChange.CredentialKept { Credential: { } credential }:
                database.Execute(
                    "INSERT OR REPLACE INTO credential (key, id, job_id, value, endpoint, provider_key) VALUES ($1, $2, $3, $4, $5, $6)",
                    credential.Key,
                    credential.Id.Value,
                    credential.JobId.Value,
                    Columns.ToBlob(credential.Value),
                    credential.Endpoint,
                    credential.ProviderKey);
                break;
            case StoreChange.CredentialForgotten c:
                database.Execute("DELETE FROM credential WHERE key = $1", c.Key);
                break;
            case StoreChange.ListingKeyKept c:
                database.Execute("INSERT OR REPLACE INTO meta (name, value) VALUES ('listing_key', $1)", Columns.ToBlob(c.Key));
                break;
            default:
                throw new NotSupportedException($"A change of the kind {change.GetType().Name} is not known.");
        }
    }
}
