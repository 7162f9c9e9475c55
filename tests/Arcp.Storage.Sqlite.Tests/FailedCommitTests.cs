using Arcp.Core.Ids;
using Arcp.Runtime.Storage;
using Microsoft.Data.Sqlite;

namespace Arcp.Storage.Sqlite.Tests;

public sealed class FailedCommitTests : StoreTests
{
    [Fact]
    public async Task A_file_that_is_locked_fails_a_commit_promptly_and_the_batch_is_kept_after_the_release()
    {
        await using SqliteRuntimeStore store = await OpenAsync();
        StoreChange[] batch = [Added(1), .. Appended(1, 1, 10)];
        using (SqliteConnection other = Directory.Connect())
        {
            using SqliteCommand command = other.CreateCommand();
            command.CommandText = "BEGIN EXCLUSIVE";
            command.ExecuteNonQuery();
            RuntimeStoreException error = await Assert.ThrowsAsync<RuntimeStoreException>(
                () => store.CommitAsync(batch, None).AsTask().WaitAsync(TimeSpan.FromSeconds(20), TimeProvider.System));
            error.Message.Should().Contain("locked");
            (await store.ReadLogAsync(Job1, 0, 1000, None)).Should().BeEmpty("readers do not wait for a writer");
        }

        await store.CommitAsync(batch, None);
        (await store.ReadLogAsync(Job1, 0, int.MaxValue, None)).Should().HaveCount(10);
    }

    [Fact]
    public async Task A_full_disk_fails_a_commit_and_the_batch_is_kept_once_there_is_room()
    {
        int maxPages = 60;
        SqliteStoreSettings settings = Directory.Settings() with
        {
            OnWriterOpened = connection =>
            {
                using SqliteCommand command = connection.CreateCommand();
                command.CommandText = $"PRAGMA max_page_count = {maxPages}";
                command.ExecuteNonQuery();
            },
        };
        await using (SqliteRuntimeStore store = await OpenAsync(settings))
        {
            await store.CommitAsync([Added(1), .. Appended(1, 1, 10)], None);
            StoreChange[] batch = [Added(2), .. Appended(1, 11, 1000)];
            for (int i = 0; i < 3; i++)
            {
                RuntimeStoreException error = await Assert.ThrowsAsync<RuntimeStoreException>(() => store.CommitAsync(batch, None).AsTask());
                error.Message.Should().Contain("no room");
            }

            (await store.ReadLogAsync(Job1, 0, int.MaxValue, None)).Should().HaveCount(10);
            maxPages = 10_000;
            await store.CommitAsync(batch, None);
        }

        await using IRuntimeStore reopened = Directory.Create();
        StoredState state = await reopened.OpenAsync(RuntimeStoreContent.Version, None);
        state.Jobs.Select(static job => job.LastEntry).Should().BeEquivalentTo([1010L, 0L]);
        (await reopened.ReadLogAsync(Job1, 0, int.MaxValue, None)).Should().HaveCount(1010);
    }

    [Fact]
    public async Task Calls_before_the_store_is_open_are_errors()
    {
        await using IRuntimeStore store = Directory.Create();
        await Assert.ThrowsAsync<InvalidOperationException>(() => store.CommitAsync([Added(1)], None).AsTask());
        await Assert.ThrowsAsync<InvalidOperationException>(() => store.ReadLogAsync(Job1, 0, 1, None).AsTask());
        await Assert.ThrowsAsync<InvalidOperationException>(() => store.TrimAsync(None).AsTask());
    }

    [Fact]
    public async Task Disposing_from_many_threads_while_calls_are_under_way_is_harmless()
    {
        for (int round = 0; round < 20; round++)
        {
            SqliteRuntimeStore store = await OpenAsync();
            await store.CommitAsync([Added(round), .. Appended(round, 1, 50)], None);
            Task[] busy =
            [
                Task.Run(() => store.CommitAsync(Appended(round, 51, 500), None).AsTask()),
                .. Enumerable.Range(0, 8).Select(_ => Task.Run(() => store.ReadLogAsync(new JobId($"job_{round}"), 0, int.MaxValue, None).AsTask())),
            ];
            await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => store.DisposeAsync().AsTask())));
            foreach (Task call in busy)
            {
                Exception? error = await Record.ExceptionAsync(() => call);
                error?.Should().BeOfType<ObjectDisposedException>();
            }
        }
    }

    [Fact]
    public async Task When_disposing_has_ended_the_file_is_free_however_long_reads_took()
    {
        await using (SqliteRuntimeStore first = await OpenAsync())
        {
            await first.CommitAsync([Added(1), .. Appended(1, 1, 20_000)], None);
        }

        for (int round = 0; round < 20; round++)
        {
            SqliteRuntimeStore store = await OpenAsync();
            Task<IReadOnlyList<StoredEntry>>[] reads = [.. Enumerable.Range(0, 8).Select(_ => store.ReadLogAsync(Job1, 0, int.MaxValue, None).AsTask())];
            await store.DisposeAsync();

            Func<Task> open = async () => await (await OpenAsync()).DisposeAsync();
            await open.Should().NotThrowAsync();
            foreach (Task read in reads)
            {
                Exception? error = await Record.ExceptionAsync(() => read);
                error?.Should().BeOfType<ObjectDisposedException>();
            }
        }
    }

    [Fact]
    public async Task Entries_of_one_job_in_one_commit_share_rows_that_stay_small()
    {
        await using SqliteRuntimeStore store = await OpenAsync();
        await store.CommitAsync([Added(1), Added(2), .. Appended(1, 1, 2000).Zip(Appended(2, 1, 2000)).SelectMany(static pair => new[] { pair.First, pair.Second })], None);
        Directory.Run("SELECT count(*) FROM entry").Should().Be(6L, "700 KB are three rows, for each of two jobs");
        Directory.Run("SELECT max(length(block)) FROM entry").As<long>().Should().BeLessThanOrEqualTo(260 * 1024);
    }

    [Fact]
    public async Task Trimming_takes_small_steps_and_leaves_nothing_behind()
    {
        await using SqliteRuntimeStore store = await OpenAsync();
        await store.CommitAsync([Added(1), Added(2), .. Appended(1, 1, 20_000), .. Appended(2, 1, 3)], None);
        await store.CommitAsync(
            [
                new StoreChange.SessionKept(new SessionId("sess_1"), new StoredPrincipal("alice", false), 0, new byte[32]),
                new StoreChange.CursorOpened(new SessionId("sess_1"), new StoredCursor(Job1, 0, false)),
                .. Enumerable.Range(1, 1000).Select(seq => new StoreChange.FramesSent(new SessionId("sess_1"), [new StoredFrames(seq, 1, Job1, seq, 400, default)])),
                new StoreChange.SessionForgotten(new SessionId("sess_1")),
                new StoreChange.JobForgotten(Job1),
            ],
            None);
        int steps = 0;
        for (bool more = true; more; steps++)
        {
            long before = Rows();
            more = await store.TrimAsync(None);
            (before - Rows()).Should().BeLessThan(450);
            await store.CommitAsync(Appended(2, 4 + steps, 1), None);
        }

        // 1,000 frames by 200, 7 MB of entries by 1 MiB, and the search for what is forgotten.
        steps.Should().BeGreaterThan(10);
        foreach (string table in new[] { "sent", "cursor", "removed_session", "removed_job", "entry WHERE job <> (SELECT key FROM job)" })
        {
            Directory.Run($"SELECT count(*) FROM {table}").Should().Be(0L, table);
        }

        long Rows() => (long)Directory.Run("SELECT (SELECT count(*) FROM sent) + (SELECT count(*) FROM cursor) + (SELECT count(*) FROM entry WHERE job = 1)")!;
    }
}
