using Arcp.Runtime.Storage;

namespace Arcp.Storage.Sqlite.Tests;

public sealed class ForeignFileTests : StoreTests
{
    [Theory]
    [InlineData("CREATE TABLE customer (name TEXT); INSERT INTO customer VALUES ('x');")]
    [InlineData("PRAGMA journal_mode = WAL; CREATE TABLE customer (name TEXT);")]
    [InlineData("PRAGMA application_id = 7; CREATE TABLE customer (name TEXT);")]
    [InlineData("PRAGMA application_id = 7; PRAGMA user_version = 1;")]
    public async Task A_SQLite_file_of_another_application_is_refused_and_left_as_it_is(string sql)
    {
        Directory.Run(sql);
        byte[] before = await File.ReadAllBytesAsync(Directory.File);
        (await OpeningFailsAsync()).Message.Should().Contain("another application");
        (await File.ReadAllBytesAsync(Directory.File)).Should().Equal(before);
    }

    [Fact]
    public async Task A_file_that_is_no_database_is_refused_and_left_as_it_is()
    {
        foreach (byte[] content in new[] { Bytes(10_000, 1), Bytes(50, 1), "SQLite format 3\0"u8.ToArray() })
        {
            await File.WriteAllBytesAsync(Directory.File, content);
            (await OpeningFailsAsync()).Message.Should().Contain("not a SQLite file");
            (await File.ReadAllBytesAsync(Directory.File)).Should().Equal(content);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("VACUUM")]
    public async Task An_empty_file_becomes_a_store(string sql)
    {
        await File.WriteAllBytesAsync(Directory.File, []);
        Directory.Run(sql + ";");
        await using SqliteRuntimeStore store = await OpenAsync();
        Directory.Run("PRAGMA application_id").Should().Be((long)StoreSchema.ApplicationId);
    }

    [Fact]
    public async Task A_store_that_was_cut_off_is_refused()
    {
        await FillAsync();
        using (FileStream file = File.OpenWrite(Directory.File))
        {
            file.SetLength(4096 * 3);
        }

        (await OpeningFailsAsync()).Message.Should().Contain("damaged");
    }

    /// <summary>What SQLite notices of damage becomes an error of the store's, and nothing crashes. Damage inside an entry's bytes is not noticed: there is no checksum.</summary>
    [Fact]
    public async Task Damage_that_SQLite_notices_is_an_error_of_the_store()
    {
        await FillAsync();
        byte[] whole = await File.ReadAllBytesAsync(Directory.File);
        int errors = 0;
        for (int page = 1; page < whole.Length / 4096; page++)
        {
            byte[] damaged = [.. whole];
            Bytes(2048, page).CopyTo(damaged, page * 4096);
            await File.WriteAllBytesAsync(Directory.File, damaged);
            File.Delete(Directory.File + "-wal");
            Exception? error = await Record.ExceptionAsync(UseAsync);
            error?.Should().BeOfType<RuntimeStoreException>();
            errors += error is null ? 0 : 1;
        }

        errors.Should().BeGreaterThan(5);
    }

    [Fact]
    public async Task Tables_of_a_newer_version_are_refused_and_left_as_they_are()
    {
        await FillAsync();
        Directory.Run($"PRAGMA user_version = {StoreSchema.Migrations.Count + 1}");
        (await OpeningFailsAsync()).Message.Should().Contain("newer version of Arcp.Storage.Sqlite");
        Directory.Run($"PRAGMA user_version = {StoreSchema.Migrations.Count}");
        await using SqliteRuntimeStore store = await OpenAsync();
        (await store.ReadLogAsync(Job1, 0, int.MaxValue, None)).Should().HaveCount(100);
    }

    [Fact]
    public async Task Each_migration_runs_once_in_order_and_keeps_what_is_there()
    {
        await FillAsync();
        SqliteStoreSettings newer = Directory.Settings() with
        {
            Migrations = [.. StoreSchema.Migrations, "ALTER TABLE job ADD COLUMN note TEXT NOT NULL DEFAULT 'none';", "UPDATE job SET note = note || ' yet';"],
        };
        for (int i = 0; i < 2; i++)
        {
            await using SqliteRuntimeStore store = await OpenAsync(newer);
            (await store.ReadLogAsync(Job1, 0, int.MaxValue, None)).Should().HaveCount(100);
        }

        Directory.Run("SELECT note FROM job").Should().Be("none yet");
        Directory.Run("PRAGMA user_version").Should().Be((long)StoreSchema.Migrations.Count + 2);
        (await OpeningFailsAsync()).Message.Should().Contain("newer version");
    }

    [Fact]
    public async Task A_migration_that_fails_leaves_the_version_before_it()
    {
        await FillAsync();
        await using (var store = new SqliteRuntimeStore(Directory.Settings() with { Migrations = [.. StoreSchema.Migrations, "CREATE TABLE half (x); INSERT INTO nowhere VALUES (1);"] }))
        {
            await Assert.ThrowsAsync<RuntimeStoreException>(() => store.OpenAsync(RuntimeStoreContent.Version, None).AsTask());
        }

        await using SqliteRuntimeStore again = await OpenAsync();
        Directory.Run("SELECT count(*) FROM sqlite_master WHERE name = 'half'").Should().Be(0L);
    }

    private async Task FillAsync()
    {
        await using SqliteRuntimeStore store = await OpenAsync();
        await store.CommitAsync([Added(1), .. Appended(1, 1, 100)], None);
    }

    private async Task UseAsync()
    {
        await using SqliteRuntimeStore store = await OpenAsync();
        await store.ReadLogAsync(Job1, 0, int.MaxValue, None);
        await store.CommitAsync([Added(2), .. Appended(2, 1, 100), .. Appended(1, 101, 10)], None);
        while (await store.TrimAsync(None))
        {
        }
    }
}
