using Arcp.Runtime.Storage;
using Microsoft.Data.Sqlite;

namespace Arcp.Storage.Sqlite.Tests;

/// <summary>A directory of its own with one store in it, removed with all that is there.</summary>
internal sealed class StoreDirectory : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("arcp-sqlite-tests-");

    public string File => Path.Combine(_directory.FullName, "arcp.db");

    public string ConnectionString => $"Data Source={File}";

    public SqliteStoreSettings Settings(SqliteSynchronous synchronous = SqliteSynchronous.Normal) =>
        SqliteStoreSettings.Create(ConnectionString, new SqliteStoreOptions { Synchronous = synchronous });

    public IRuntimeStore Create() => new SqliteRuntimeStore(Settings());

    /// <summary>Runs statements over a connection that knows nothing of the store.</summary>
    public object? Run(string sql)
    {
        using SqliteConnection connection = Connect();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }

    public SqliteConnection Connect()
    {
        SQLitePCL.Batteries_V2.Init();
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = File, Pooling = false }.ToString());
        connection.Open();
        return connection;
    }

    public void Dispose() => _directory.Delete(recursive: true);
}
