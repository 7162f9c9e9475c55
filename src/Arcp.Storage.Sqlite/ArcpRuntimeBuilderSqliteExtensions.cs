using Arcp.Runtime.DependencyInjection;
using Arcp.Storage.Sqlite;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Keeps what a runtime must not forget in a SQLite file.</summary>
public static class ArcpRuntimeBuilderSqliteExtensions
{
    /// <summary>Keeps jobs, answers, sessions and outstanding credentials in a SQLite file, over the end of the process.</summary>
    /// <param name="builder">The runtime's builder.</param>
    /// <param name="connectionString">Names the file, for example <c>Data Source=arcp.db</c>. It is created when it is missing, unless <c>Mode=ReadWrite</c> is given; its directory is not. One runtime uses it at a time; beside it stand <c>-wal</c> and <c>-shm</c>, which belong to it while it is open, and <c>-lock</c>, which holds nothing.</param>
    /// <param name="configure">Changes the settings.</param>
    /// <exception cref="ArgumentException">The connection string is malformed, names no file on disk, is for reading only or shares a cache.</exception>
    public static ArcpRuntimeBuilder UseSqliteStore(this ArcpRuntimeBuilder builder, string connectionString, Action<SqliteStoreOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(connectionString);
        var options = new SqliteStoreOptions();
        configure?.Invoke(options);
        var settings = SqliteStoreSettings.Create(connectionString, options);
        return builder.UseStore(_ => new SqliteRuntimeStore(settings));
    }
}
