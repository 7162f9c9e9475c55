using System.Buffers.Binary;
using Arcp.Runtime.Storage;
using Microsoft.Data.Sqlite;

namespace Arcp.Storage.Sqlite;

/// <summary>The file: whose it is, and that it is this process's alone.</summary>
internal static class StoreFile
{
    // The head of every SQLite file; https://www.sqlite.org/fileformat.html#the_database_header.
    private const int HeadBytes = 100;
    private const int ApplicationIdAt = 68;

    private static ReadOnlySpan<byte> Magic => "SQLite format 3\0"u8;

    /// <summary>Takes the file for this process. The system gives it back when the process ends, however it ends.</summary>
    /// <returns>The lock, until it is disposed.</returns>
    public static FileStream Lock(string path)
    {
        try
        {
            return new FileStream(path + "-lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1);
        }
        catch (Exception e) when (e is DirectoryNotFoundException or UnauthorizedAccessException)
        {
            throw new RuntimeStoreException($"The store '{path}' cannot be opened: its directory is missing or may not be written to.", e);
        }
        catch (IOException e)
        {
            throw new RuntimeStoreException($"The store '{path}' is in use by another process, or by another runtime of this one. Stop that one, or give each a file of its own.", e);
        }
    }

    /// <summary>Checks, without touching it, that a file is ours or nobody's.</summary>
    /// <exception cref="RuntimeStoreException">It is not.</exception>
    public static void Check(SqliteStoreSettings settings)
    {
        var file = new FileInfo(settings.Path);
        if (!file.Exists && !settings.MayCreate)
        {
            throw new RuntimeStoreException($"The store '{settings.Path}' does not exist, and Mode=ReadWrite does not create it.");
        }

        if (!file.Exists || file.Length == 0)
        {
            return;
        }

        Span<byte> head = stackalloc byte[HeadBytes];
        int read;
        try
        {
            // SQLite is not asked here, because it might already repair or rewrite what it opens.
            using FileStream stream = file.Open(FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            read = stream.ReadAtLeast(head, HeadBytes, throwOnEndOfStream: false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RuntimeStoreException($"The store '{settings.Path}' cannot be read.", e);
        }

        if (read < HeadBytes || !head.StartsWith(Magic))
        {
            throw new RuntimeStoreException($"'{settings.Path}' is damaged, or not a SQLite file. It was left as it is; restore it from a backup, or name another file.");
        }

        int applicationId = BinaryPrimitives.ReadInt32BigEndian(head[ApplicationIdAt..]);
        if (applicationId != StoreSchema.ApplicationId && (applicationId != 0 || HasTables(settings)))
        {
            throw new RuntimeStoreException($"'{settings.Path}' is a SQLite file of another application. It was left as it is; name another file.");
        }
    }

    private static bool HasTables(SqliteStoreSettings settings)
    {
        var readOnly = new SqliteConnectionStringBuilder(settings.ConnectionString) { Mode = SqliteOpenMode.ReadOnly };
        try
        {
            using var database = Database.Open(readOnly.ToString());
            return database.Number("SELECT count(*) FROM sqlite_master") > 0;
        }
        catch (SqliteException e)
        {
            throw StoreErrors.Wrap(e, settings.Path);
        }
    }
}
