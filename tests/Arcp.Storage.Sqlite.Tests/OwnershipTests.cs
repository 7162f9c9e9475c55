using System.Diagnostics;
using Arcp.Runtime.Storage;

namespace Arcp.Storage.Sqlite.Tests;

public sealed class OwnershipTests : StoreTests
{
    [Fact]
    public async Task A_store_that_another_process_has_open_is_refused_until_that_process_ends()
    {
        using Process other = Start("flock", "--no-fork", "--exclusive", "--nonblock", Directory.File + "-lock", "sh", "-c", "echo locked; exec cat");
        (await other.StandardOutput.ReadLineAsync()).Should().Be("locked");
        (await OpeningFailsAsync()).Message.Should().Contain("in use by another process");

        // Ended as if by kill -9: nobody tidies up.
        other.Kill(entireProcessTree: true);
        await other.WaitForExitAsync();
        await using SqliteRuntimeStore store = await OpenAsync();
    }

    [Fact]
    public async Task Another_process_cannot_take_a_store_that_is_open_here()
    {
        await using (await OpenAsync())
        {
            (await TryLockAsync()).Should().NotBe(0);
        }

        (await TryLockAsync()).Should().Be(0);
    }

    [Fact]
    public async Task A_second_opener_that_was_refused_and_disposed_takes_nothing_from_the_first()
    {
        await using SqliteRuntimeStore store = await OpenAsync();
        await OpeningFailsAsync();
        await OpeningFailsAsync();
        await store.CommitAsync([Added(1)], None);
    }

    [Fact]
    public async Task A_link_to_the_file_is_the_same_store()
    {
        await (await OpenAsync()).DisposeAsync();
        string link = Directory.File + ".link";
        File.CreateSymbolicLink(link, Directory.File);
        await using SqliteRuntimeStore store = await OpenAsync();
        await using var second = new SqliteRuntimeStore(SqliteStoreSettings.Create($"Data Source={link}", new SqliteStoreOptions()));
        await Assert.ThrowsAsync<RuntimeStoreException>(() => second.OpenAsync(RuntimeStoreContent.Version, None).AsTask());
    }

    [Fact]
    public async Task A_directory_that_is_missing_is_named_as_the_reason()
    {
        await using var store = new SqliteRuntimeStore(SqliteStoreSettings.Create($"Data Source={Directory.File}/missing/arcp.db", new SqliteStoreOptions()));
        RuntimeStoreException error = await Assert.ThrowsAsync<RuntimeStoreException>(() => store.OpenAsync(RuntimeStoreContent.Version, None).AsTask());
        error.Message.Should().Contain("directory");
    }

    [Fact]
    public async Task A_closed_store_is_one_file_with_all_in_it()
    {
        SqliteRuntimeStore store = await OpenAsync();
        await store.CommitAsync([Added(1), .. Appended(1, 1, 10)], None);
        await store.DisposeAsync();
        File.Exists(Directory.File + "-wal").Should().BeFalse();
        Directory.Run("SELECT sum(count) FROM entry").Should().Be(10L);
    }

    // The lock is flock(2) on Linux, which is what the command takes.
    private static Process Start(params string[] command) =>
        Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardInput = true })!;

    private async Task<int> TryLockAsync()
    {
        using Process process = Start("flock", "--no-fork", "--exclusive", "--nonblock", Directory.File + "-lock", "true");
        await process.WaitForExitAsync();
        return process.ExitCode;
    }
}
