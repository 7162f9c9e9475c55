using Arcp.Runtime.Storage;
using Microsoft.Data.Sqlite;

namespace Arcp.Storage.Sqlite;

/// <summary>What SQLite's errors mean for who runs the store.</summary>
internal static class StoreErrors
{
    // https://www.sqlite.org/rescode.html
    private const int Busy = 5;
    private const int Locked = 6;
    private const int ReadOnly = 8;
    private const int Corrupt = 11;
    private const int Full = 13;
    private const int CannotOpen = 14;
    private const int NotADatabase = 26;

    /// <summary>What an error means; one that is not of the file stays what it is.</summary>
    public static Exception Of(Exception error, string path) => error switch
    {
        SqliteException e => Wrap(e, path),
        InvalidDataException => Damaged(path, error),
        _ => error,
    };

    public static RuntimeStoreException Wrap(SqliteException error, string path) => error.SqliteErrorCode switch
    {
        Busy or Locked => new($"The store '{path}' is locked by somebody else who writes to the file.", error),
        Full => new($"There is no room left for the store '{path}'.", error),
        Corrupt or NotADatabase => Damaged(path, error),
        ReadOnly or CannotOpen => new($"The store '{path}' cannot be opened for writing.", error),
        _ => new($"The store '{path}' failed: {error.Message}", error),
    };

    private static RuntimeStoreException Damaged(string path, Exception error) =>
        new($"The store '{path}' is damaged. Restore it from a backup, or name another file.", error);
}
