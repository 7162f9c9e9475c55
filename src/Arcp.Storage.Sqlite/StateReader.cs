using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Runtime.Storage;
using Microsoft.Data.Sqlite;

namespace Arcp.Storage.Sqlite;

/// <summary>Reads all that a runtime has to know when it starts, with one pass over each table but the entries.</summary>
internal static class StateReader
{
    /// <exception cref="InvalidDataException">The rows do not fit together.</exception>
    public static StoredState Read(Database database)
    {
        try
        {
            return ReadAll(database);
        }
        catch (Exception e) when (e is not (SqliteException or InvalidDataException))
        {
            // Text that is no JSON, a time beyond all times, an id that is empty: nothing of this was ever written.
            throw new InvalidDataException("A row holds what cannot be.", e);
        }
    }

    private static StoredState ReadAll(Database database)
    {
        Dictionary<long, StoredJob> jobs = ReadJobs(database);
        Dictionary<long, StoredSession> sessions = ReadSessions(database);
        var referred = new HashSet<long>();
        ILookup<long, StoredCursor> cursors = ReadCursors(database, jobs, sessions, referred);
        ILookup<long, StoredFrames> sent = ReadSent(database, jobs, sessions, referred);
        return new StoredState
        {
            Jobs = [.. jobs.Where(job => !job.Value.IsForgotten || referred.Contains(job.Key)).Select(static job => job.Value)],
            Sessions = [.. sessions.Select(session => session.Value with { Cursors = [.. cursors[session.Key]], Sent = [.. sent[session.Key]] })],
            Answers = ReadAnswers(database),
            Credentials = ReadCredentials(database),
            ListingKey = ReadListingKey(database),
        };
    }

    private static Dictionary<long, StoredJob> ReadJobs(Database database)
    {
        var jobs = new Dictionary<long, StoredJob>();
        using SqliteDataReader reader = database.Query(
            """
            SELECT key, id, principal, is_anonymous, submitted_by, agent_name, agent_version, lease, lease_expires_at, trace, created_at, parent, depth, acceptance, is_acceptance_secret,
                   last_entry, announced_at, remaining, status, ended_at, is_forgotten
            FROM job JOIN job_progress ON job_progress.job = job.key
            """);
        while (reader.Read())
        {
            jobs.Add(reader.GetInt64(0), new StoredJob
            {
                Id = new JobId(reader.GetString(1)),
                Principal = new StoredPrincipal(reader.GetString(2), reader.GetFlag(3)),
                SubmittedBy = new SessionId(reader.GetString(4)),
                AgentName = reader.GetString(5),
                AgentVersion = reader.GetString(6),
                Lease = reader.GetString(7),
                LeaseExpiresAt = reader.GetOptionalTime(8),
                Trace = reader.GetString(9),
                CreatedAt = reader.GetTime(10),
                ParentId = reader.GetText(11) is { } parent ? new JobId(parent) : null,
                DelegationDepth = reader.GetInt32(12),
                Acceptance = reader.GetBlob(13),
                IsAcceptanceSecret = reader.GetFlag(14),
                LastEntry = reader.GetInt64(15),
                AnnouncedAt = reader.GetNumber(16),
                Remaining = reader.GetAmounts(17),
                Status = reader.GetText(18) is { } status ? new JobStatus(status) : null,
                EndedAt = reader.GetOptionalTime(19),
                IsForgotten = reader.GetFlag(20),
            });
        }

        return jobs;
    }

    private static Dictionary<long, StoredSession> ReadSessions(Database database)
    {
        var sessions = new Dictionary<long, StoredSession>();
        using SqliteDataReader reader = database.Query("SELECT key, id, principal, is_anonymous, features, token_hash, detached_at, last_seq, floor FROM session");
        while (reader.Read())
        {
            sessions.Add(reader.GetInt64(0), new StoredSession
            {
                Id = new SessionId(reader.GetString(1)),
                Principal = new StoredPrincipal(reader.GetString(2), reader.GetFlag(3)),
                Features = reader.GetInt32(4),
                TokenHash = reader.GetBlob(5),
                DetachedAt = reader.GetOptionalTime(6),
                LastSeq = reader.GetInt64(7),
                Floor = reader.GetInt64(8),
            });
        }

        return sessions;
    }

    // Rows of sessions that were removed are still there until they are trimmed; they refer to nothing.
    private static ILookup<long, StoredCursor> ReadCursors(Database database, Dictionary<long, StoredJob> jobs, Dictionary<long, StoredSession> sessions, HashSet<long> referred)
    {
        var cursors = new List<(long SessionKey, StoredCursor Cursor)>();
        using SqliteDataReader reader = database.Query("SELECT session, job, position, is_subscription FROM cursor");
        while (reader.Read())
        {
            if (sessions.ContainsKey(reader.GetInt64(0)))
            {
                referred.Add(reader.GetInt64(1));
                cursors.Add((reader.GetInt64(0), new StoredCursor(jobs[reader.GetInt64(1)].Id, reader.GetInt64(2), reader.GetFlag(3))));
            }
        }

        return cursors.ToLookup(static row => row.SessionKey, static row => row.Cursor);
    }

    private static ILookup<long, StoredFrames> ReadSent(Database database, Dictionary<long, StoredJob> jobs, Dictionary<long, StoredSession> sessions, HashSet<long> referred)
    {
        var sent = new List<(long SessionKey, StoredFrames Frames)>();
        using SqliteDataReader reader = database.Query("SELECT session, first_seq, count, job, first_entry, size, own_tail FROM sent ORDER BY session, first_seq");
        while (reader.Read())
        {
            if (sessions.ContainsKey(reader.GetInt64(0)))
            {
                referred.Add(reader.GetInt64(3));
                sent.Add((reader.GetInt64(0), new StoredFrames(
                    reader.GetInt64(1), reader.GetInt64(2), jobs[reader.GetInt64(3)].Id, reader.GetInt64(4), reader.GetInt64(5), reader.GetBlob(6))));
            }
        }

        return sent.ToLookup(static row => row.SessionKey, static row => row.Frames);
    }

    private static List<StoredAnswer> ReadAnswers(Database database)
    {
        var answers = new List<StoredAnswer>();
        using SqliteDataReader reader = database.Query("SELECT principal, is_anonymous, key, fingerprint, job_id, trace, payload, is_secret, expires_at FROM answer");
        while (reader.Read())
        {
            answers.Add(new StoredAnswer
            {
                Principal = new StoredPrincipal(reader.GetString(0), reader.GetFlag(1)),
                Key = reader.GetString(2),
                Fingerprint = reader.GetBlob(3),
                JobId = new JobId(reader.GetString(4)),
                Trace = reader.GetString(5),
                Payload = reader.GetBlob(6),
                IsSecret = reader.GetFlag(7),
                ExpiresAt = reader.GetTime(8),
            });
        }

        return answers;
    }

    private static List<StoredCredential> ReadCredentials(Database database)
    {
        var credentials = new List<StoredCredential>();
        using SqliteDataReader reader = database.Query("SELECT key, id, job_id, value, endpoint, provider_key FROM credential");
        while (reader.Read())
        {
            credentials.Add(new StoredCredential
            {
                Key = reader.GetString(0),
                Id = new CredentialId(reader.GetString(1)),
                JobId = new JobId(reader.GetString(2)),
                Value = reader.GetBlob(3),
                Endpoint = reader.GetString(4),
                ProviderKey = reader.GetText(5),
            });
        }

        return credentials;
    }

    private static ReadOnlyMemory<byte>? ReadListingKey(Database database)
    {
        using SqliteDataReader reader = database.Query("SELECT value FROM meta WHERE name = 'listing_key'");
        return reader.Read() ? reader.GetBlob(0) : default(ReadOnlyMemory<byte>?);
    }
}
