using Arcp.Runtime.DependencyInjection;
using Microsoft.Extensions.DependencyInjection;

namespace Arcp.Storage.Sqlite.Tests;

public sealed class UseSqliteStoreTests
{
    [Theory]
    [InlineData("", "name a file")]
    [InlineData("Data Source=", "name a file")]
    [InlineData("Data Source=:memory:", "in memory")]
    [InlineData("Data Source=x;Mode=Memory", "in memory")]
    [InlineData("Data Source=x.db;Mode=ReadOnly", "ReadOnly")]
    [InlineData("Data Source=x.db;Cache=Shared", "Shared")]
    [InlineData("Data Source=file:x.db?mode=memory", "URI")]
    [InlineData("Server=localhost", "server")]
    public void A_connection_string_that_names_no_file_to_write_is_refused_when_it_is_given(string connectionString, string reason)
    {
        Action use = () => new ArcpRuntimeBuilder().UseSqliteStore(connectionString);
        use.Should().Throw<ArgumentException>().WithMessage($"*{reason}*");
    }

    [Fact]
    public void A_setting_that_is_none_is_refused()
    {
        Action use = () => new ArcpRuntimeBuilder().UseSqliteStore("Data Source=x.db", options => options.Synchronous = (SqliteSynchronous)9);
        use.Should().Throw<ArgumentException>().WithMessage("*Synchronous*");
    }

    [Fact]
    public async Task A_file_that_may_not_be_created_must_exist()
    {
        using var directory = new StoreDirectory();
        var store = new SqliteRuntimeStore(SqliteStoreSettings.Create(directory.ConnectionString + ";Mode=ReadWrite", new SqliteStoreOptions()));
        await Assert.ThrowsAsync<Arcp.Runtime.Storage.RuntimeStoreException>(() => store.OpenAsync(1, CancellationToken.None).AsTask());
        File.Exists(directory.File).Should().BeFalse();
        await store.DisposeAsync();
    }

    [Theory]
    [InlineData(SqliteSynchronous.Normal, 1)]
    [InlineData(SqliteSynchronous.Full, 2)]
    public async Task What_a_commit_survives_is_what_SQLite_is_told(SqliteSynchronous synchronous, long pragma)
    {
        using var directory = new StoreDirectory();
        using var writer = new StoreWriter(directory.Settings(synchronous));
        writer.Load(1);
        writer.Write(static database => database.Number("PRAGMA synchronous"), CancellationToken.None).Should().Be(pragma);
        new SqliteStoreOptions().Synchronous.Should().Be(SqliteSynchronous.Full);
    }
}
