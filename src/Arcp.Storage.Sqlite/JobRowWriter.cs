using Arcp.Core.Ids;
using Arcp.Runtime.Storage;

namespace Arcp.Storage.Sqlite;

/// <summary>Writes what one commit changes about jobs.</summary>
internal sealed class JobRowWriter
{
    private readonly Database _database;
    private readonly Dictionary<JobId, KeptJob?> _jobs = [];

    public JobRowWriter(Database database) => _database = database;

    public void Add(StoredJob job)
    {
        if (Find(job.Id) is not null)
        {
            return;
        }

        _database.Execute(
            """
            INSERT INTO job (id, principal, is_anonymous, submitted_by, agent_name, agent_version, lease, lease_expires_at, trace, created_at, parent, depth, acceptance, is_acceptance_secret)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
            """,
            job.Id.Value,
            job.Principal.Name,
            job.Principal.IsAnonymous,
            job.SubmittedBy.Value,
            job.AgentName,
            job.AgentVersion,
            job.Lease,
            Columns.ToTicks(job.LeaseExpiresAt),
            job.Trace,
            job.CreatedAt.UtcTicks,
            job.ParentId?.Value,
            job.DelegationDepth,
            Columns.ToBlob(job.Acceptance),
            job.IsAcceptanceSecret);
        long key = _database.Number("SELECT last_insert_rowid()")!.Value;
        _database.Execute(
            "INSERT INTO job_progress (job, last_entry, announced_at, remaining, is_forgotten) VALUES ($1, 0, $2, $3, 0)", key, job.AnnouncedAt, Columns.ToJson(job.Remaining));
        _jobs[job.Id] = new KeptJob(key, lastEntry: 0);
    }

    public void Append(JobId id, StoredEntry entry)
    {
        if (Find(id) is not { } job || entry.Number <= job.LastEntry)
        {
            return;
        }

        if (entry.Number > job.LastEntry + 1)
        {
            throw new ArgumentException($"Entry {entry.Number} cannot follow entry {job.LastEntry}.", nameof(entry));
        }

        job.LastEntry = entry.Number;
        job.NewEntries.Add(entry);
    }

    /// <summary>Runs an update whose first parameter is a job's key.</summary>
    public void Set(JobId id, string sql, params ReadOnlySpan<object?> values)
    {
        if (FindKey(id) is { } key)
        {
            _database.Execute(sql, [key, .. values]);
        }
    }

    /// <summary>A job's key; null = it is not kept.</summary>
    public long? FindKey(JobId id) => Find(id)?.Key;

    /// <summary>Writes the entries last: then those of one job are together, however they were mixed with those of others.</summary>
    public void WriteEntries()
    {
        foreach (KeptJob? job in _jobs.Values)
        {
            if (job is null or { NewEntries.Count: 0 })
            {
                continue;
            }

            foreach ((long first, int count, byte[] block) in EntryBlock.Pack(job.NewEntries))
            {
                _database.Execute("INSERT INTO entry (job, first, count, block) VALUES ($1, $2, $3, $4)", job.Key, first, count, block);
            }

            _database.Execute("UPDATE job_progress SET last_entry = $2 WHERE job = $1", job.Key, job.LastEntry);
        }
    }

    private KeptJob? Find(JobId id)
    {
        if (!_jobs.TryGetValue(id, out KeptJob? job))
        {
            using var reader = _database.Query("SELECT job.key, job_progress.last_entry FROM job JOIN job_progress ON job_progress.job = job.key WHERE job.id = $1", id.Value);
            job = reader.Read() ? new KeptJob(reader.GetInt64(0), reader.GetInt64(1)) : null;
            _jobs.Add(id, job);
        }

        return job;
    }

    private sealed class KeptJob(long key, long lastEntry)
    {
        public long Key { get; } = key;

        public long LastEntry { get; set; } = lastEntry;

        public List<StoredEntry> NewEntries { get; } = [];
    }
}
