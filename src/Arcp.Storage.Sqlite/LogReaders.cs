using System.Collections.Concurrent;
using Arcp.Core.Ids;
using Arcp.Runtime.Storage;
using Microsoft.Data.Sqlite;

namespace Arcp.Storage.Sqlite;

/// <summary>A few connections that read logs beside the one that writes. Neither waits for the other.</summary>
internal sealed class LogReaders : IAsyncDisposable
{
    private const int MaxReaders = 4;

    // The block in which the first entry that is wanted stands, and those behind it.
    private const string Blocks = """
        SELECT first, count, block FROM entry
        WHERE job = (SELECT key FROM job WHERE id = $1)
          AND first >= (SELECT max(first) FROM entry WHERE job = (SELECT key FROM job WHERE id = $1) AND first <= $2)
        ORDER BY first
        """;

    private readonly SqliteStoreSettings _settings;
    private readonly SemaphoreSlim _places = new(MaxReaders, MaxReaders);
    private readonly ConcurrentBag<Database> _idle = [];
    private volatile bool _isDisposed;

    public LogReaders(SqliteStoreSettings settings) => _settings = settings;

    public async Task<IReadOnlyList<StoredEntry>> ReadAsync(JobId jobId, long after, int maxBytes, CancellationToken cancellationToken)
    {
        await _places.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            return await Task.Run(() => Read(jobId, after, maxBytes), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _places.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        _isDisposed = true;
        for (int i = 0; i < MaxReaders; i++)
        {
            await _places.WaitAsync().ConfigureAwait(false);
        }

        while (_idle.TryTake(out Database? database))
        {
            database.Dispose();
        }

        _places.Release(MaxReaders);
    }

    private List<StoredEntry> Read(JobId jobId, long after, int maxBytes)
    {
        Database? database = null;
        try
        {
            if (!_idle.TryTake(out database))
            {
                database = Database.Open(_settings.ConnectionString);
                database.RunOnce("PRAGMA query_only = ON");
                database.RunOnce("PRAGMA cell_size_check = ON");
            }

            List<StoredEntry> entries = Read(database, jobId, after, maxBytes);
            _idle.Add(database);
            return entries;
        }
        catch (Exception e)
        {
            database?.Dispose();
            throw StoreErrors.Of(e, _settings.Path);
        }
    }

    private static List<StoredEntry> Read(Database database, JobId jobId, long after, int maxBytes)
    {
        var entries = new List<StoredEntry>();
        long bytes = 0;
        using SqliteDataReader reader = database.Query(Blocks, jobId.Value, after + 1);
        while (reader.Read())
        {
            foreach (StoredEntry entry in EntryBlock.Unpack(reader.GetInt64(0), reader.GetInt64(1), reader.GetBlob(2)))
            {
                if (entry.Number <= after)
                {
                    continue;
                }

                bytes += entry.Bytes.Length + entry.Secret.Length;
                if (entries.Count > 0 && bytes > maxBytes)
                {
                    return entries;
                }

                if (entry.Number != after + entries.Count + 1)
                {
                    throw new InvalidDataException($"Entry {after + entries.Count + 1} is missing.");
                }

                // Copied, so that one entry that is held for long does not hold its whole block.
                entries.Add(entry with { Bytes = entry.Bytes.ToArray(), Secret = entry.Secret.ToArray() });
            }
        }

        return entries;
    }
}
