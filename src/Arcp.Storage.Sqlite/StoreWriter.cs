using Arcp.Runtime.Storage;
using Microsoft.Data.Sqlite;

namespace Arcp.Storage.Sqlite;

/// <summary>The one connection that writes.</summary>
/// <remarks>Used by one thread at a time.</remarks>
internal sealed class StoreWriter : IDisposable
{
    /// <summary>How large the write-ahead log may stay once it has been emptied.</summary>
    private const int MaxIdleLogBytes = 64 * 1024 * 1024;

    private readonly SqliteStoreSettings _settings;
    private Database? _database;

    public StoreWriter(SqliteStoreSettings settings) => _settings = settings;

    /// <summary>Brings the file's tables up to date and reads what is kept.</summary>
    public StoredState Load(int contentVersion)
    {
        try
        {
            Database database = Connect();
            StoreSchema.NoteContent(database, contentVersion, _settings.Path);
            return StateReader.Read(database);
        }
        catch (Exception e)
        {
            throw ToFailure(e);
        }
    }

    /// <summary>Writes within a transaction: all or nothing.</summary>
    public T Write<T>(Func<Database, T> write, CancellationToken cancellationToken)
    {
        try
        {
            Database database = _database ?? Connect();
            database.Execute("BEGIN IMMEDIATE");
            T result = write(database);
            cancellationToken.ThrowIfCancellationRequested();
            database.Execute("COMMIT");
            return result;
        }
        catch (Exception e)
        {
            throw ToFailure(e);
        }
    }

    /// <summary>Moves what is in the write-ahead log into the file, so that the file alone is all there is.</summary>
    public void Dispose()
    {
        try
        {
            _database?.RunOnce("PRAGMA wal_checkpoint(TRUNCATE)");
        }
        catch (SqliteException)
        {
            // The log stays beside the file and is read when it is opened again.
        }

        Disconnect();
    }

    private Database Connect()
    {
        _database = Database.Open(_settings.ConnectionString, _settings.OnWriterOpened);

        // A new file gets its tables before it gets a write-ahead log: then what tells that it is ours always stands in the file itself.
        StoreSchema.Migrate(_database, _settings.Migrations, _settings.Path);
        if (_database.RunOnce("PRAGMA journal_mode = WAL") is not "wal")
        {
            throw new RuntimeStoreException($"The store '{_settings.Path}' is on a file system that cannot keep a write-ahead log, such as one of a network. Put it on a local disk.");
        }

        _database.RunOnce($"PRAGMA synchronous = {(_settings.Synchronous == SqliteSynchronous.Full ? "FULL" : "NORMAL")}");
        _database.RunOnce($"PRAGMA journal_size_limit = {MaxIdleLogBytes}");
        _database.RunOnce("PRAGMA cell_size_check = ON");
        return _database;
    }

    // A connection that has failed is not trusted with anything but its end, which rolls back what it began. The next one is opened when it is needed.
    private Exception ToFailure(Exception error)
    {
        Disconnect();
        return StoreErrors.Of(error, _settings.Path);
    }

    private void Disconnect()
    {
        _database?.Dispose();
        _database = null;
    }
}
