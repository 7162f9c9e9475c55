using Microsoft.Data.Sqlite;

namespace Arcp.Storage.Sqlite;

/// <summary>Which file, and how it is used.</summary>
internal sealed record SqliteStoreSettings
{
    /// <summary>How long a statement waits for a lock of somebody else's, in seconds. Commits are tried again by the runtime; hanging here would only hide why.</summary>
    private const int BusySeconds = 1;

    /// <summary>The file's full path.</summary>
    public required string Path { get; init; }

    public required string ConnectionString { get; init; }

    public bool MayCreate { get; init; } = true;

    public SqliteSynchronous Synchronous { get; init; } = SqliteSynchronous.Full;

    public IReadOnlyList<string> Migrations { get; init; } = StoreSchema.Migrations;

    /// <summary>Called with the writing connection whenever one is opened; for tests.</summary>
    public Action<SqliteConnection>? OnWriterOpened { get; init; }

    public static SqliteStoreSettings Create(string connectionString, SqliteStoreOptions options)
    {
        if (!Enum.IsDefined(options.Synchronous))
        {
            throw new ArgumentException($"{nameof(SqliteStoreOptions.Synchronous)} must be {SqliteSynchronous.Normal} or {SqliteSynchronous.Full}.", nameof(options));
        }

        var parsed = new SqliteConnectionStringBuilder(connectionString);
        string? error = parsed switch
        {
            { DataSource: "" } => "It must name a file: Data Source=arcp.db.",
            { DataSource: ":memory:" } or { Mode: SqliteOpenMode.Memory } => "A database in memory keeps nothing. Name a file: Data Source=arcp.db.",
            { Mode: SqliteOpenMode.ReadOnly } => "Mode=ReadOnly cannot be: the store is written to.",
            { Cache: SqliteCacheMode.Shared } => "Cache=Shared cannot be: readers would block the writer.",
            _ when parsed.DataSource.StartsWith("file:", StringComparison.OrdinalIgnoreCase) => "The data source must be a path, not a URI.",
            _ => null,
        };
        if (error is not null)
        {
            throw new ArgumentException($"The connection string is not one for a store. {error}", nameof(connectionString));
        }

        string path = FullPath(parsed.DataSource);
        bool mayCreate = parsed.Mode == SqliteOpenMode.ReadWriteCreate;
        parsed.DataSource = path;
        parsed.Pooling = false;
        parsed.DefaultTimeout = BusySeconds;
        return new SqliteStoreSettings { Path = path, ConnectionString = parsed.ToString(), MayCreate = mayCreate, Synchronous = options.Synchronous };
    }

    // One file must have one path, because the lock stands beside it.
    private static string FullPath(string dataSource)
    {
        const string Macro = "|DataDirectory|";
        string path = dataSource.StartsWith(Macro, StringComparison.OrdinalIgnoreCase)
            ? System.IO.Path.Combine(AppDomain.CurrentDomain.GetData("DataDirectory") as string ?? AppContext.BaseDirectory, dataSource[Macro.Length..].TrimStart('/', '\\'))
            : dataSource;
        var file = new FileInfo(path);
        return file.LinkTarget is null ? file.FullName : file.ResolveLinkTarget(returnFinalTarget: true)!.FullName;
    }
}
