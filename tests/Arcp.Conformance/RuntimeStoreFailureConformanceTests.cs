using Arcp.Core;
using Arcp.Runtime.Storage;
using Xunit;
using static Arcp.Conformance.StoreSamples;

namespace Arcp.Conformance;

/// <summary>The part of <see cref="RuntimeStoreConformanceTests"/> about what goes wrong: two owners, newer content, failed and repeated commits, many threads.</summary>
/// <remarks>Inherit <see cref="RuntimeStoreConformanceTests"/>, which includes it.</remarks>
public abstract class RuntimeStoreFailureConformanceTests : RuntimeStoreRandomConformanceTests
{
    /// <summary>One runtime at a time.</summary>
    [Fact]
    public async Task A_second_open_is_refused_until_the_first_store_is_disposed()
    {
        await using OpenedStore store = await OpenAsync();
        IRuntimeStore second = Create();
        await Assert.ThrowsAsync<RuntimeStoreException>(() => second.OpenAsync(RuntimeStoreContent.Version, store.Timeout).AsTask());
        await store.CommitAsync(Added(1));

        await store.Store.DisposeAsync();
        StoredState state = await second.OpenAsync(RuntimeStoreContent.Version, store.Timeout);
        await second.DisposeAsync();
        StoredStateText.AssertEqual(new StoredState { Jobs = [Job(1)] }, state);
    }

    /// <summary>What a newer runtime wrote is not guessed at.</summary>
    [Fact]
    public async Task Content_of_a_newer_version_is_refused_and_left_as_it_is()
    {
        await using OpenedStore store = await OpenAsync();
        await store.CommitAsync(Added(1));
        await store.Store.DisposeAsync();

        IRuntimeStore newer = Create();
        await newer.OpenAsync(RuntimeStoreContent.Version + 1, store.Timeout);
        await newer.DisposeAsync();
        IRuntimeStore older = Create();
        RuntimeStoreException error = await Assert.ThrowsAsync<RuntimeStoreException>(() => older.OpenAsync(RuntimeStoreContent.Version, store.Timeout).AsTask());
        Assert.Contains("newer version", error.Message, StringComparison.Ordinal);

        IRuntimeStore again = Create();
        StoredState state = await again.OpenAsync(RuntimeStoreContent.Version + 1, store.Timeout);
        await again.DisposeAsync();
        StoredStateText.AssertEqual(new StoredState { Jobs = [Job(1)] }, state);
    }

    /// <summary>Disposal may come twice; what comes after it is an error.</summary>
    [Fact]
    public async Task A_disposed_store_is_disposed_again_and_takes_no_calls()
    {
        await using OpenedStore store = await OpenAsync();
        await store.Store.DisposeAsync();
        await store.Store.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => store.CommitAsync(Added(1)));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => store.ReadLogAsync(JobId(1)));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => store.TrimAsync());
        StoredStateText.AssertEqual(StoredState.Empty, await store.ReopenAsync());
    }

    /// <summary>Any batch may come again, alone.</summary>
    [Fact]
    public async Task A_batch_that_is_kept_changes_nothing_when_it_is_given_again()
    {
        await using OpenedStore store = await OpenAsync();
        foreach (StoreChange[] batch in Batches())
        {
            await store.CommitAsync(batch);
            string[] once = StoredStateText.Of(await store.ReopenAsync());
            await store.CommitAsync(batch);
            await store.CommitAsync(batch);
            Assert.Equal(once, StoredStateText.Of(await store.ReopenAsync()));
        }

        Assert.Equal(Entries(1, 9).Select(StoredStateText.Of), (await store.ReadLogAsync(JobId(1))).Select(StoredStateText.Of));
    }

    /// <summary>Any batch may come again, with later changes behind it, after which all is as if it had come once.</summary>
    [Fact]
    public async Task A_batch_that_comes_again_with_later_changes_behind_it_is_kept_once()
    {
        await using OpenedStore store = await OpenAsync();
        StoreChange[] all = [];
        foreach (StoreChange[] batch in Batches())
        {
            all = [.. all, .. batch];
            await store.CommitAsync(all);
        }

        await AssertIsAsIfOnceAsync();
        await store.CommitAsync(all);
        await AssertIsAsIfOnceAsync();

        Task AssertIsAsIfOnceAsync() => store.AssertReopensAsync(
            new StoredState
            {
                Jobs = [Job(1) with { LastEntry = 9, Status = JobStatus.Success, EndedAt = Time }, Job(2) with { LastEntry = 1 }],
                Sessions =
                [
                    Session(1) with { TokenHash = Bytes(32, 2), LastSeq = 9, Floor = 6, Sent = [Frames(6, 3, 1, 1), Frames(9, 1, 1, 4)], Cursors = [new(JobId(1), 4, true)] },
                    Session(2),
                ],
                Answers = [Answer("k") with { JobId = JobId(2) }],
                Credentials = [Credential("b")],
            },
            (JobId(1), Entries(1, 9)),
            (JobId(2), Entries(1, 1)));
    }

    /// <summary>All or none, in one commit.</summary>
    [Fact]
    public async Task A_commit_that_fails_keeps_none_of_its_changes()
    {
        await using OpenedStore store = await OpenAsync();
        await store.CommitAsync([Added(1), .. Appended(1, Entries(1, 2))]);
        await Assert.ThrowsAsync<ArgumentException>(() => store.CommitAsync(
            [Added(2), Kept(1), new StoreChange.AnswerKept(Answer("k")), .. Appended(2, Entry(1)), .. Appended(1, Entry(3), Entry(5))]));
        Assert.Equal(2, (await store.ReadLogAsync(JobId(1))).Count);
        await store.AssertReopensAsync(new StoredState { Jobs = [Job(1) with { LastEntry = 2 }] }, (JobId(1), Entries(1, 2)));
    }

    /// <summary>A cancelled commit has failed; the next one brings its changes again.</summary>
    [Fact]
    public async Task A_commit_that_is_cancelled_at_any_moment_is_kept_whole_or_not_at_all_and_works_again()
    {
        await using OpenedStore store = await OpenAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => store.Store.CommitAsync([Added(0)], new CancellationToken(canceled: true)).AsTask());
        StoredStateText.AssertEqual(StoredState.Empty, await store.ReopenAsync());

        for (int round = 1; round <= 30; round++)
        {
            StoreChange[] batch = [Added(round), .. Appended(round, Entries(1, 500))];
            using var cancellation = new CancellationTokenSource();
            Task commit = store.Store.CommitAsync(batch, cancellation.Token).AsTask();
            SpinWait.SpinUntil(() => commit.IsCompleted, TimeSpan.FromMilliseconds(round % 10));
            await cancellation.CancelAsync();
            Exception? error = await Record.ExceptionAsync(() => commit.WaitAsync(store.Timeout));
            Assert.True(error is null or OperationCanceledException, $"The commit ended with {error}.");
            int kept = (await store.ReadLogAsync(JobId(round))).Count;
            Assert.True(error is null ? kept == 500 : kept is 0 or 500, $"{kept} entries of 500 were kept.");

            await store.CommitAsync(batch);
            Assert.Equal(500, (await store.ReadLogAsync(JobId(round))).Count);
        }
    }

    /// <summary>The memory of changes is the caller's again when the commit has ended.</summary>
    [Fact]
    public async Task The_memory_of_changes_may_be_reused_after_the_commit()
    {
        byte[] memory = Bytes(100);
        var remaining = new Dictionary<string, decimal> { ["USD"] = 1 };
        await using OpenedStore store = await OpenAsync();
        await store.CommitAsync(
            new StoreChange.JobAdded(Job(1) with { Acceptance = memory }),
            new StoreChange.EntryAppended(JobId(1), new StoredEntry(1, 1, memory, memory)),
            new StoreChange.BudgetChanged(JobId(1), remaining),
            new StoreChange.AnswerKept(Answer("k") with { Payload = memory, Fingerprint = memory }),
            new StoreChange.CredentialKept(Credential("c") with { Value = memory }),
            new StoreChange.SessionKept(SessionId(1), Alice, 5, memory),
            Sent(1, new StoredFrames(1, 1, JobId(1), 0, 100, memory)),
            new StoreChange.ListingKeyKept(memory));
        Array.Clear(memory);
        remaining.Clear();

        memory = Bytes(100);
        await store.AssertReopensAsync(
            new StoredState
            {
                Jobs = [Job(1) with { Acceptance = memory, LastEntry = 1, Remaining = new Dictionary<string, decimal> { ["USD"] = 1 } }],
                Sessions = [Session(1) with { TokenHash = memory, LastSeq = 1, Sent = [new(1, 1, JobId(1), 0, 100, memory)] }],
                Answers = [Answer("k") with { Payload = memory, Fingerprint = memory }],
                Credentials = [Credential("c") with { Value = memory }],
                ListingKey = memory,
            },
            (JobId(1), [new StoredEntry(1, 1, memory, memory)]));
    }

    /// <summary>Readers see whole commits, neighbouring entries, and all that was committed before they asked.</summary>
    [Fact]
    public async Task Logs_are_read_by_many_threads_while_commits_and_trims_go_on()
    {
        const int Commits = 200;
        const int PerCommit = 7;
        await using OpenedStore store = await OpenAsync();
        await store.CommitAsync(Added(1));
        int committed = 0;
        Task[] readers = [.. Enumerable.Range(0, 6).Select(reader => Task.Run(async () =>
        {
            var random = new Random(reader);
            while (Volatile.Read(ref committed) < Commits * PerCommit)
            {
                int before = Volatile.Read(ref committed);
                int after = random.Next(before + 1);
                IReadOnlyList<StoredEntry> part = await store.Store.ReadLogAsync(JobId(1), after, int.MaxValue, store.Timeout);
                Assert.True(after + part.Count >= before, "Committed entries are missing.");
                Assert.Equal(0, (after + part.Count) % PerCommit);
                for (int i = 0; i < part.Count; i++)
                {
                    Assert.Equal(after + i + 1, part[i].Number);
                }
            }
        }))];
        for (int i = 0; i < Commits; i++)
        {
            await store.CommitAsync([.. Appended(1, Entries(1 + i * PerCommit, PerCommit, 50)), Added(i + 2), new StoreChange.JobForgotten(JobId(i + 2))]);
            Volatile.Write(ref committed, (i + 1) * PerCommit);
            await store.Store.TrimAsync(store.Timeout);
        }

        await Task.WhenAll(readers).WaitAsync(store.Timeout);
    }

    // Each goes back over what the ones before it did: cursors that close and open again, sessions and jobs that come anew.
    private static StoreChange[][] Batches() =>
    [
        [Added(1), Added(2), Kept(1), Kept(2), Opened(1, 1), Opened(2, 1), .. Appended(1, Entries(1, 5)), new StoreChange.AnswerKept(Answer("k"))],
        [Sent(1, Frames(1, 4, 1, 1), OwnFrame(5, 2)), new StoreChange.FramesReleased(SessionId(1), 2), .. Appended(1, Entries(6, 2)), .. Appended(2, Entry(1))],
        [new StoreChange.CursorClosed(SessionId(1), JobId(1)), Opened(1, 1, 0, isSubscription: true), Sent(1, Frames(6, 3, 1, 1)), Sent(2, Frames(1, 2, 1, 1))],
        [new StoreChange.SessionDetached(SessionId(1), Time), Kept(1, token: 2), new StoreChange.SessionForgotten(SessionId(2)), Kept(2)],
        [.. Appended(1, Entries(8, 2)), new StoreChange.JobEnded(JobId(1), JobStatus.Success, Time), Sent(1, Frames(9, 1, 1, 4)), new StoreChange.FramesReleased(SessionId(1), 6)],
        [new StoreChange.AnswerForgotten(Alice, "k"), new StoreChange.AnswerKept(Answer("k") with { JobId = JobId(2) })],
        [new StoreChange.CredentialKept(Credential("a")), new StoreChange.CredentialKept(Credential("b")), new StoreChange.CredentialForgotten("a")],
        [Added(3), .. Appended(3, Entries(1, 3)), new StoreChange.JobForgotten(JobId(3))],
    ];
}
