using Arcp.Core;
using Arcp.Runtime.Storage;
using Xunit;
using static Arcp.Conformance.StoreSamples;

namespace Arcp.Conformance;

/// <summary>Checks an <see cref="IRuntimeStore"/> against its contract. Inherit it in an xunit test project and say how to create one of yours.</summary>
public abstract class RuntimeStoreConformanceTests : RuntimeStoreSessionConformanceTests
{
    /// <summary>A new place holds nothing.</summary>
    [Fact]
    public async Task A_new_store_is_empty()
    {
        await using OpenedStore store = await OpenAsync();
        StoredStateText.AssertEqual(StoredState.Empty, store.State);
        Assert.Empty(await store.ReadLogAsync(JobId(1)));
    }

    /// <summary>Every member comes back as it was, to the tick, the byte and the decimal.</summary>
    [Fact]
    public async Task Jobs_come_back_as_they_were_with_and_without_what_may_be_absent()
    {
        await using OpenedStore store = await OpenAsync();
        await store.CommitAsync(new StoreChange.JobAdded(FullJob(1)), Added(2));
        await store.AssertReopensAsync(new StoredState { Jobs = [FullJob(1), Job(2)] });
    }

    /// <summary>A time is an instant, whatever its offset.</summary>
    [Fact]
    public async Task Times_with_an_offset_come_back_as_the_same_instant()
    {
        await using OpenedStore store = await OpenAsync();
        await store.CommitAsync(new StoreChange.JobAdded(Job(1) with { CreatedAt = Time.ToOffset(TimeSpan.FromHours(5.5)), LeaseExpiresAt = DateTimeOffset.MaxValue }));
        await store.AssertReopensAsync(new StoredState { Jobs = [Job(1) with { CreatedAt = Time, LeaseExpiresAt = DateTimeOffset.MaxValue }] });
    }

    /// <summary>All that changes in a job's life.</summary>
    [Fact]
    public async Task What_changes_about_a_job_comes_back()
    {
        var remaining = new Dictionary<string, decimal> { ["USD"] = 0.10m, ["EUR"] = -3m };
        await using OpenedStore store = await OpenAsync();
        await store.CommitAsync(Added(1), Added(2), Added(3));
        await store.CommitAsync([
            .. Appended(1, Entry(1), Entry(2)),
            new StoreChange.ChildAnnounced(JobId(2), 2),
            new StoreChange.BudgetChanged(JobId(2), new Dictionary<string, decimal> { ["USD"] = 1 }),
            new StoreChange.BudgetChanged(JobId(2), remaining),
            new StoreChange.BudgetChanged(JobId(3), new Dictionary<string, decimal>()),
            new StoreChange.JobEnded(JobId(1), JobStatus.TimedOut, Time.AddTicks(3)),
        ]);
        await store.AssertReopensAsync(new StoredState
        {
            Jobs =
            [
                Job(1) with { LastEntry = 2, Status = JobStatus.TimedOut, EndedAt = Time.AddTicks(3) },
                Job(2) with { AnnouncedAt = 2, Remaining = remaining },
                Job(3) with { Remaining = new Dictionary<string, decimal>() },
            ],
        });
    }

    /// <summary>A job that is added has no entries and no end, and one that is there already stays.</summary>
    [Fact]
    public async Task Adding_a_job_looks_at_neither_entries_nor_end_and_changes_no_job_that_is_kept()
    {
        await using OpenedStore store = await OpenAsync();
        await store.CommitAsync(new StoreChange.JobAdded(Job(1) with { LastEntry = 5, Status = JobStatus.Error, EndedAt = Time, IsForgotten = true }));
        await store.CommitAsync(new StoreChange.JobAdded(FullJob(1)));
        await store.AssertReopensAsync(new StoredState { Jobs = [Job(1)] });
    }

    /// <summary>Answers, credentials and the key of the listings.</summary>
    [Fact]
    public async Task Records_without_a_job_or_a_session_come_back_until_they_are_forgotten()
    {
        StoredAnswer full = Answer(Text) with { Principal = new StoredPrincipal(Text, true), Trace = Text, Payload = default, Fingerprint = default, IsSecret = true };
        StoredCredential fullCredential = Credential(Text) with { Endpoint = Text, ProviderKey = "" };
        await using OpenedStore store = await OpenAsync();
        await store.CommitAsync(
            new StoreChange.AnswerKept(full),
            new StoreChange.AnswerKept(Answer("a")),
            new StoreChange.AnswerKept(Answer("A")),
            new StoreChange.CredentialKept(fullCredential),
            new StoreChange.CredentialKept(Credential("a")),
            new StoreChange.CredentialKept(Credential("A")),
            new StoreChange.ListingKeyKept(Bytes(32)));
        await store.AssertReopensAsync(new StoredState
        {
            Answers = [full, Answer("a"), Answer("A")],
            Credentials = [fullCredential, Credential("a"), Credential("A")],
            ListingKey = Bytes(32),
        });

        await store.CommitAsync(
            new StoreChange.AnswerForgotten(Alice, "a"),
            new StoreChange.AnswerForgotten(Alice with { IsAnonymous = true }, "A"),
            new StoreChange.AnswerForgotten(Alice, "unknown"),
            new StoreChange.CredentialForgotten(Text),
            new StoreChange.CredentialForgotten("unknown"),
            new StoreChange.ListingKeyKept(Bytes(16)));
        await store.AssertReopensAsync(new StoredState { Answers = [full, Answer("A")], Credentials = [Credential("a"), Credential("A")], ListingKey = Bytes(16) });
    }

    /// <summary>The same key in two scopes is two keys; kept again it is replaced.</summary>
    [Fact]
    public async Task An_answer_belongs_to_its_principal_and_replaces_the_one_before_it()
    {
        StoredAnswer anonymous = Answer("k") with { Principal = Alice with { IsAnonymous = true }, Trace = "other" };
        await using OpenedStore store = await OpenAsync();
        await store.CommitAsync(new StoreChange.AnswerKept(Answer("k")), new StoreChange.AnswerKept(anonymous));
        await store.CommitAsync(new StoreChange.AnswerKept(Answer("k") with { JobId = JobId(2), IsSecret = true }));
        await store.AssertReopensAsync(new StoredState { Answers = [Answer("k") with { JobId = JobId(2), IsSecret = true }, anonymous] });
    }

    /// <summary>Tags of any sign, bytes and secrets of any length.</summary>
    [Fact]
    public async Task Entries_come_back_as_they_were()
    {
        StoredEntry[] log =
        [
            new(1, long.MinValue, Bytes(1), default),
            new(2, -1, default, Bytes(1)),
            new(3, 0, default, default),
            new(4, long.MaxValue, Bytes(300, 4), Bytes(300, 5)),
        ];
        await using OpenedStore store = await OpenAsync();
        await store.CommitAsync([Added(1), .. Appended(1, log)]);
        await store.AssertReopensAsync(new StoredState { Jobs = [Job(1) with { LastEntry = 4 }] }, (JobId(1), log));
    }

    /// <summary>Entries of many jobs come mixed, in one commit and over many.</summary>
    [Fact]
    public async Task Logs_of_many_jobs_that_grow_together_do_not_mix()
    {
        await using OpenedStore store = await OpenAsync();
        await store.CommitAsync(Enumerable.Range(0, 10).Select(Added));
        for (int round = 0; round < 20; round++)
        {
            int first = round * 5 + 1;
            await store.CommitAsync(Enumerable.Range(first, 5).SelectMany(number => Enumerable.Range(0, 10).SelectMany(job => Appended(job, Entry(number, 10 + job)))));
        }

        await store.AssertReopensAsync(
            new StoredState { Jobs = [.. Enumerable.Range(0, 10).Select(job => Job(job) with { LastEntry = 100 })] },
            Enumerable.Range(0, 10).Select(job => (JobId(job), Entries(1, 100, 10 + job))));
    }

    /// <summary>Reading begins anywhere and ends where the bytes end.</summary>
    [Fact]
    public async Task A_log_is_read_from_any_entry_and_in_parts_of_any_size()
    {
        await using OpenedStore store = await OpenAsync();
        await store.CommitAsync(Added(1));
        foreach ((int first, int count) in new[] { (1, 1), (2, 50), (52, 3), (55, 46) })
        {
            await store.CommitAsync(Appended(1, Entries(first, count, 100)));
        }

        for (int after = 0; after < 100; after++)
        {
            Assert.Equal([after + 1L], (await store.Store.ReadLogAsync(JobId(1), after, 0, store.Timeout)).Select(static entry => entry.Number));
            Assert.Equal(StoredStateText.Of(Entry(after + 1, 100)), StoredStateText.Of((await store.Store.ReadLogAsync(JobId(1), after, 100, store.Timeout))[0]));
        }

        Assert.Equal(7, (await store.Store.ReadLogAsync(JobId(1), 20, 799, store.Timeout)).Count);
        Assert.Empty(await store.Store.ReadLogAsync(JobId(1), 100, 1000, store.Timeout));
        Assert.Empty(await store.Store.ReadLogAsync(JobId(1), 5000, 1000, store.Timeout));
        foreach (int maxBytes in new[] { 1, 350, 1000, int.MaxValue })
        {
            Assert.Equal(Entries(1, 100, 100).Select(StoredStateText.Of), (await store.ReadLogAsync(JobId(1), maxBytes)).Select(StoredStateText.Of));
        }
    }

    /// <summary>One commit may be large, and one entry, too.</summary>
    [Fact]
    public async Task Large_commits_and_large_entries_come_back()
    {
        StoredEntry[] log = [.. Entries(1, 10_000), Entry(10_001, 4 * 1024 * 1024, 4 * 1024 * 1024), Entry(10_002)];
        await using OpenedStore store = await OpenAsync();
        await store.CommitAsync([Added(1), .. Appended(1, log)]);
        await store.AssertReopensAsync(new StoredState { Jobs = [Job(1) with { LastEntry = log.Length }] }, (JobId(1), log));
    }

    /// <summary>An empty commit is one.</summary>
    [Fact]
    public async Task A_commit_of_nothing_keeps_nothing()
    {
        await using OpenedStore store = await OpenAsync();
        await store.CommitAsync();
        await store.AssertReopensAsync(StoredState.Empty);
    }

    /// <summary>What was committed can be read at once.</summary>
    [Fact]
    public async Task What_was_committed_is_read_without_reopening()
    {
        await using OpenedStore store = await OpenAsync();
        await store.CommitAsync([Added(1), .. Appended(1, Entries(1, 3))]);
        Assert.Equal(3, (await store.ReadLogAsync(JobId(1))).Count);
        await store.CommitAsync(Appended(1, Entry(4)));
        Assert.Equal(4, (await store.ReadLogAsync(JobId(1))).Count);
    }

    /// <summary>What is about nothing that is kept is not an error.</summary>
    [Fact]
    public async Task Changes_about_unknown_jobs_and_sessions_do_nothing()
    {
        await using OpenedStore store = await OpenAsync();
        await store.CommitAsync([
            Added(1),
            Kept(1),
            .. Appended(9, Entry(1), Entry(7)),
            new StoreChange.JobEnded(JobId(9), JobStatus.Success, Time),
            new StoreChange.ChildAnnounced(JobId(9), 1),
            new StoreChange.BudgetChanged(JobId(9), new Dictionary<string, decimal> { ["USD"] = 1 }),
            new StoreChange.JobForgotten(JobId(9)),
            new StoreChange.SessionDetached(SessionId(9), Time),
            new StoreChange.SessionForgotten(SessionId(9)),
            Opened(9, 1),
            Opened(1, 9),
            new StoreChange.CursorClosed(SessionId(9), JobId(1)),
            new StoreChange.CursorClosed(SessionId(1), JobId(9)),
            Sent(9, Frames(1, 1, 1, 1)),
            new StoreChange.FramesReleased(SessionId(9), 1),
        ]);
        await store.AssertReopensAsync(new StoredState { Jobs = [Job(1)], Sessions = [Session(1)] });
        Assert.Empty(await store.ReadLogAsync(JobId(9)));
    }
}
