using Arcp.Runtime.Storage;

namespace Arcp.Storage.Sqlite;

/// <summary>The tables, as the steps that lead from an empty file to them, and the marks by which a file of ours is known.</summary>
internal static class StoreSchema
{
    /// <summary>"ARCP". SQLite keeps it in the file's head, and <c>file(1)</c> can show it.</summary>
    public const int ApplicationId = 0x41524350;

    /// <summary>The step at index n leads from version n to n + 1. A step that has been published is never changed; a new one is added behind it.</summary>
    public static IReadOnlyList<string> Migrations { get; } = [Version1];

    // Jobs and sessions have integer keys that are never used twice (AUTOINCREMENT), so that rows left behind by a removed one belong to nobody.
    // What changes with every commit of a job stands in a small row of its own (job_progress), apart from the large one that never changes.
    // Entries are in a table with row ids, because large rows fit those pages better, and are appended at their end.
    private const string Version1 = """
        CREATE TABLE meta (
            name TEXT PRIMARY KEY,
            value NOT NULL
        ) WITHOUT ROWID;

        CREATE TABLE job (
            key INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            principal TEXT NOT NULL,
            is_anonymous INTEGER NOT NULL,
            submitted_by TEXT NOT NULL,
            agent_name TEXT NOT NULL,
            agent_version TEXT NOT NULL,
            lease TEXT NOT NULL,
            lease_expires_at INTEGER,
            trace TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            parent TEXT,
            depth INTEGER NOT NULL,
            acceptance BLOB NOT NULL,
            is_acceptance_secret INTEGER NOT NULL
        );

        CREATE TABLE job_progress (
            job INTEGER PRIMARY KEY,
            last_entry INTEGER NOT NULL,
            announced_at INTEGER,
            remaining TEXT,
            status TEXT,
            ended_at INTEGER,
            is_forgotten INTEGER NOT NULL
        );

        CREATE INDEX job_forgotten ON job_progress (job) WHERE is_forgotten = 1;

        CREATE TABLE entry (
            job INTEGER NOT NULL,
            first INTEGER NOT NULL,
            count INTEGER NOT NULL,
            block BLOB NOT NULL,
            UNIQUE (job, first)
        );

        CREATE TABLE session (
            key INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            principal TEXT NOT NULL,
            is_anonymous INTEGER NOT NULL,
            features INTEGER NOT NULL,
            token_hash BLOB NOT NULL,
            detached_at INTEGER,
            last_seq INTEGER NOT NULL,
            floor INTEGER NOT NULL
        );

        CREATE TABLE cursor (
            session INTEGER NOT NULL,
            job INTEGER NOT NULL,
            position INTEGER NOT NULL,
            is_subscription INTEGER NOT NULL,
            PRIMARY KEY (session, job)
        ) WITHOUT ROWID;

        CREATE INDEX cursor_job ON cursor (job);

        CREATE TABLE sent (
            session INTEGER NOT NULL,
            first_seq INTEGER NOT NULL,
            count INTEGER NOT NULL,
            job INTEGER NOT NULL,
            first_entry INTEGER NOT NULL,
            size INTEGER NOT NULL,
            own_tail BLOB,
            PRIMARY KEY (session, first_seq)
        ) WITHOUT ROWID;

        CREATE INDEX sent_job ON sent (job);

        CREATE TABLE answer (
            principal TEXT NOT NULL,
            is_anonymous INTEGER NOT NULL,
            key TEXT NOT NULL,
            fingerprint BLOB NOT NULL,
            job_id TEXT NOT NULL,
            trace TEXT NOT NULL,
            payload BLOB NOT NULL,
            is_secret INTEGER NOT NULL,
            expires_at INTEGER NOT NULL,
            PRIMARY KEY (principal, is_anonymous, key)
        );

        CREATE TABLE credential (
            key TEXT PRIMARY KEY,
            id TEXT NOT NULL,
            job_id TEXT NOT NULL,
            value BLOB NOT NULL,
            endpoint TEXT NOT NULL,
            provider_key TEXT
        );

        CREATE TABLE removed_job (key INTEGER PRIMARY KEY);

        CREATE TABLE removed_session (key INTEGER PRIMARY KEY);
        """;

    /// <summary>Brings a file to the newest version, each step in a transaction of its own.</summary>
    /// <exception cref="RuntimeStoreException">The file is of a newer version.</exception>
    public static void Migrate(Database database, IReadOnlyList<string> migrations, string path)
    {
        long version = database.Number("PRAGMA user_version") ?? 0;
        if (version > migrations.Count)
        {
            throw new RuntimeStoreException($"The store '{path}' was written by a newer version of Arcp.Storage.Sqlite (its tables are of version {version}; this one knows {migrations.Count}). Use that version.");
        }

        for (int next = (int)version; next < migrations.Count; next++)
        {
            database.RunOnce($"BEGIN IMMEDIATE; {migrations[next]} PRAGMA application_id = {ApplicationId}; PRAGMA user_version = {next + 1}; COMMIT;");
        }
    }

    /// <summary>Notes the version of the content.</summary>
    /// <exception cref="RuntimeStoreException">What is kept is of a newer version.</exception>
    public static void NoteContent(Database database, int contentVersion, string path)
    {
        const string Name = "content_version";
        long kept = database.Number("SELECT value FROM meta WHERE name = $1", Name) ?? 0;
        if (kept > contentVersion)
        {
            throw new RuntimeStoreException($"The store '{path}' was written by a newer version of the runtime (content version {kept}; this one knows {contentVersion}). Use that version.");
        }

        if (kept < contentVersion)
        {
            database.Execute("INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value", Name, contentVersion);
        }
    }
}
