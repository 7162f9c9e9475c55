using Arcp.Core.Ids;
using Arcp.Runtime.Storage;

namespace Arcp.Storage.Sqlite;

/// <summary>Keeps a runtime's memory in a SQLite file. Hosts say <c>UseSqliteStore</c>; this is for those that put a store of their own around it, with <c>UseStore</c>.</summary>
/// <remarks>Thread-safe. All that touches the file runs on the pool, never on the caller's thread.</remarks>
public sealed class SqliteRuntimeStore : IRuntimeStore
{
    private readonly SqliteStoreSettings _settings;

    // Opening, committing, trimming and closing: one at a time.
    private readonly SemaphoreSlim _gate = new(1, 1);
    private volatile OpenFile? _open;
    private bool _isDisposed;

    /// <summary>Creates the store; the file is touched when it is opened.</summary>
    /// <param name="connectionString">Names the file, as with <c>UseSqliteStore</c>.</param>
    /// <param name="options">The settings; null = the defaults.</param>
    /// <exception cref="ArgumentException">The connection string is malformed, names no file on disk, is for reading only or shares a cache.</exception>
    public SqliteRuntimeStore(string connectionString, SqliteStoreOptions? options = null)
        : this(SqliteStoreSettings.Create(connectionString, options ?? new SqliteStoreOptions()))
    {
    }

    internal SqliteRuntimeStore(SqliteStoreSettings settings) => _settings = settings;

    /// <inheritdoc/>
    public async ValueTask<StoredState> OpenAsync(int contentVersion, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            return _open is null
                ? await Task.Run(() => Open(contentVersion), CancellationToken.None).ConfigureAwait(false)
                : throw new RuntimeStoreException($"The store '{_settings.Path}' is open already.");
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <inheritdoc/>
    public async ValueTask CommitAsync(IReadOnlyList<StoreChange> changes, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(changes);
        await WriteAsync(
            (database, _) =>
            {
                ChangeWriter.Write(database, changes, cancellationToken);
                return true;
            },
            cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<StoredEntry>> ReadLogAsync(JobId jobId, long after, int maxBytes, CancellationToken cancellationToken)
    {
        OpenFile file = _open ?? throw NotOpen();
        return await file.Readers.ReadAsync(jobId, after, maxBytes, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ValueTask<bool> TrimAsync(CancellationToken cancellationToken) => new(WriteAsync(static (database, file) => file.Trimmer.Step(database), cancellationToken));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _gate.WaitAsync().ConfigureAwait(false);
        try
        {
            _isDisposed = true;
            if (Interlocked.Exchange(ref _open, null) is { } file)
            {
                await Task.Run(() => file.DisposeAsync().AsTask()).ConfigureAwait(false);
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task<T> WriteAsync<T>(Func<Database, OpenFile, T> write, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            OpenFile file = _open ?? throw NotOpen();
            return await Task.Run(() => file.Writer.Write(database => write(database, file), cancellationToken), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }

    private StoredState Open(int contentVersion)
    {
        FileStream fileLock = StoreFile.Lock(_settings.Path);
        var writer = new StoreWriter(_settings);
        try
        {
            StoreFile.Check(_settings);
            StoredState state = writer.Load(contentVersion);
            _open = new OpenFile(fileLock, writer, new LogReaders(_settings));
            return state;
        }
        catch
        {
            writer.Dispose();
            fileLock.Dispose();
            throw;
        }
    }

    private InvalidOperationException NotOpen() =>
        _isDisposed ? new ObjectDisposedException(nameof(SqliteRuntimeStore)) : new InvalidOperationException("The store is not open.");

    /// <summary>What there is while the file is open.</summary>
    private sealed class OpenFile(FileStream fileLock, StoreWriter writer, LogReaders readers) : IAsyncDisposable
    {
        public StoreWriter Writer { get; } = writer;

        public LogReaders Readers { get; } = readers;

        public StoreTrimmer Trimmer { get; } = new();

        public async ValueTask DisposeAsync()
        {
            await Readers.DisposeAsync().ConfigureAwait(false);
            Writer.Dispose();
            await fileLock.DisposeAsync().ConfigureAwait(false);
        }
    }
}
