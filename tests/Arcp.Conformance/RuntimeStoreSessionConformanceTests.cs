using Arcp.Core.Ids;
using Arcp.Runtime.Storage;
using Xunit;
using static Arcp.Conformance.StoreSamples;

namespace Arcp.Conformance;

/// <summary>The part of <see cref="RuntimeStoreConformanceTests"/> about sessions, their cursors and frames, and about what may be removed.</summary>
/// <remarks>Inherit <see cref="RuntimeStoreConformanceTests"/>, which includes it.</remarks>
public abstract class RuntimeStoreSessionConformanceTests : RuntimeStoreFailureConformanceTests
{
    /// <summary>Opened, detached, resumed.</summary>
    [Fact]
    public async Task A_session_comes_back_and_a_resume_changes_only_what_it_says()
    {
        await using OpenedStore store = await OpenAsync();
        await store.CommitAsync(Added(1), Kept(1), Opened(1, 1), Sent(1, OwnFrame(1, 1)), new StoreChange.SessionDetached(SessionId(1), Time.AddTicks(1)));
        StoredSession session = Session(1) with { DetachedAt = Time.AddTicks(1), LastSeq = 1, Sent = [OwnFrame(1, 1)], Cursors = [new(JobId(1), 0, false)] };
        await store.AssertReopensAsync(new StoredState { Jobs = [Job(1)], Sessions = [session] });

        await store.CommitAsync(new StoreChange.SessionKept(SessionId(1), new StoredPrincipal(Text, true), -1, Bytes(32, 7)));
        await store.AssertReopensAsync(new StoredState
        {
            Jobs = [Job(1)],
            Sessions = [session with { DetachedAt = null, Principal = new StoredPrincipal(Text, true), Features = -1, TokenHash = Bytes(32, 7) }],
        });
    }

    /// <summary>A cursor opens once and closes.</summary>
    [Fact]
    public async Task Cursors_open_where_they_say_stay_where_they_are_and_close()
    {
        await using OpenedStore store = await OpenAsync();
        await store.CommitAsync(Added(1), Added(2), Added(3), Kept(1), Kept(2), Opened(1, 1, 4, isSubscription: true), Opened(1, 2), Opened(2, 1));
        await store.CommitAsync(Opened(1, 1, 0), Opened(1, 3), new StoreChange.CursorClosed(SessionId(1), JobId(3)), new StoreChange.CursorClosed(SessionId(1), JobId(3)));
        await store.AssertReopensAsync(new StoredState
        {
            Jobs = [Job(1), Job(2), Job(3)],
            Sessions =
            [
                Session(1) with { Cursors = [new(JobId(1), 4, true), new(JobId(2), 0, false)] },
                Session(2) with { Cursors = [new(JobId(1), 0, false)] },
            ],
        });
    }

    /// <summary>Frames move the cursors of their jobs, those of no log none.</summary>
    [Fact]
    public async Task Sent_frames_come_back_in_order_and_move_the_cursors()
    {
        StoredFrames[] frames = [Frames(1, 3, 1, 1), OwnFrame(4, 1), Frames(5, 2, 2, 11), Frames(7, 1, 1, 4)];
        await using OpenedStore store = await OpenAsync();
        await store.CommitAsync(Added(1), Added(2), Added(3), Kept(1), Opened(1, 1), Opened(1, 2, 10), Opened(1, 3, 2), Sent(1, frames[..3]), Sent(1, frames[3]));
        await store.CommitAsync(Sent(1, Frames(8, 20, 1, 5), OwnFrame(28, 3)));
        await store.AssertReopensAsync(new StoredState
        {
            Jobs = [Job(1), Job(2), Job(3)],
            Sessions =
            [
                Session(1) with
                {
                    LastSeq = 28,
                    Sent = [.. frames, Frames(8, 20, 1, 5), OwnFrame(28, 3)],
                    Cursors = [new(JobId(1), 24, false), new(JobId(2), 12, false), new(JobId(3), 2, false)],
                },
            ],
        });
    }

    /// <summary>Frames without a cursor open none.</summary>
    [Fact]
    public async Task Frames_of_a_job_whose_cursor_is_closed_open_none()
    {
        await using OpenedStore store = await OpenAsync();
        await store.CommitAsync(Added(1), Kept(1), Sent(1, Frames(1, 3, 1, 1)));
        await store.AssertReopensAsync(new StoredState { Jobs = [Job(1)], Sessions = [Session(1) with { LastSeq = 3, Sent = [Frames(1, 3, 1, 1)] }] });
    }

    /// <summary>Whole runs go; one that is partly above the floor stays whole.</summary>
    [Fact]
    public async Task Released_frames_go_and_the_floor_only_rises()
    {
        await using OpenedStore store = await OpenAsync();
        await store.CommitAsync(Added(1), Kept(1), Sent(1, Frames(1, 3, 1, 1), OwnFrame(4, 1), Frames(5, 10, 1, 4), Frames(15, 1, 1, 14)));
        await store.CommitAsync(new StoreChange.FramesReleased(SessionId(1), 9), new StoreChange.FramesReleased(SessionId(1), 4));
        StoredSession session = Session(1) with { LastSeq = 15, Floor = 9, Sent = [Frames(5, 10, 1, 4), Frames(15, 1, 1, 14)] };
        await store.AssertReopensAsync(new StoredState { Jobs = [Job(1)], Sessions = [session] });

        await store.CommitAsync(new StoreChange.FramesReleased(SessionId(1), 15));
        await store.AssertReopensAsync(new StoredState { Jobs = [Job(1)], Sessions = [session with { Floor = 15, Sent = [] }] });
    }

    /// <summary>Nothing may be missing between the floor and the last number.</summary>
    [Fact]
    public async Task Frames_of_a_job_that_is_not_kept_count_as_sent_and_released()
    {
        await using OpenedStore store = await OpenAsync();
        await store.CommitAsync(Added(1), Kept(1), Opened(1, 1), Sent(1, Frames(1, 3, 1, 1)), Sent(1, Frames(4, 2, 9, 1), Frames(6, 1, 1, 4)));
        await store.AssertReopensAsync(new StoredState
        {
            Jobs = [Job(1)],
            Sessions = [Session(1) with { LastSeq = 6, Floor = 5, Sent = [Frames(6, 1, 1, 4)], Cursors = [new(JobId(1), 4, false)] }],
        });
    }

    /// <summary>A session goes with all it had, and its id may come anew.</summary>
    [Fact]
    public async Task A_forgotten_session_takes_its_cursors_and_frames_along()
    {
        await using OpenedStore store = await OpenAsync();
        await store.CommitAsync(Added(1), Kept(1), Kept(2), Opened(1, 1), Opened(2, 1), Sent(1, Frames(1, 3, 1, 1)), Sent(2, Frames(1, 2, 1, 1)));
        await store.CommitAsync(new StoreChange.SessionForgotten(SessionId(1)));
        StoredSession other = Session(2) with { LastSeq = 2, Sent = [Frames(1, 2, 1, 1)], Cursors = [new(JobId(1), 2, false)] };
        await store.AssertReopensAsync(new StoredState { Jobs = [Job(1)], Sessions = [other] });

        await store.CommitAsync(Kept(1));
        await store.TrimAsync();
        await store.AssertReopensAsync(new StoredState { Jobs = [Job(1)], Sessions = [Session(1), other] });
    }

    /// <summary>A forgotten job lives as long as a cursor or a frame refers to it, and no longer.</summary>
    [Fact]
    public async Task A_forgotten_job_stays_for_the_sessions_that_refer_to_it()
    {
        await using OpenedStore store = await OpenAsync();
        foreach (int job in new[] { 1, 2, 3, 4 })
        {
            await store.CommitAsync([Added(job), .. Appended(job, Entries(1, 3))]);
        }

        await store.CommitAsync(Kept(1), Kept(2), Opened(1, 1), Sent(2, Frames(1, 2, 2, 1), OwnFrame(3, 3)));
        await store.CommitAsync(Enumerable.Range(1, 4).Select(static job => new StoreChange.JobForgotten(JobId(job))));
        Assert.Equal([JobId(1), JobId(2), JobId(3)], await JobsLeftAsync());
        Assert.All(store.State.Jobs, static job => Assert.True(job.IsForgotten));
        Assert.Empty(await store.ReadLogAsync(JobId(4)));
        Assert.Equal(Entries(1, 3).Select(StoredStateText.Of), (await store.ReadLogAsync(JobId(1))).Select(StoredStateText.Of));
        Assert.Equal(3, (await store.ReadLogAsync(JobId(2))).Count);

        await store.CommitAsync(new StoreChange.FramesReleased(SessionId(2), 2));
        Assert.Equal([JobId(1), JobId(3)], await JobsLeftAsync());
        await store.CommitAsync(new StoreChange.SessionForgotten(SessionId(2)), new StoreChange.CursorClosed(SessionId(1), JobId(1)));
        Assert.Empty((await store.ReopenAsync()).Jobs);
        Assert.Empty(await JobsLeftAsync());
        Assert.Empty(await store.ReadLogAsync(JobId(1)));

        async Task<JobId[]> JobsLeftAsync()
        {
            await store.TrimAsync();
            return [.. (await store.ReopenAsync()).Jobs.Select(static job => job.Id).OrderBy(static id => id.Value, StringComparer.Ordinal)];
        }
    }

    /// <summary>A job that was removed is one that never was: its id may come anew, and nothing of the old one shows.</summary>
    [Fact]
    public async Task A_job_that_was_removed_can_be_added_anew()
    {
        await using OpenedStore store = await OpenAsync();
        await store.CommitAsync([Added(1), .. Appended(1, Entries(1, 500)), new StoreChange.JobForgotten(JobId(1))]);
        await store.TrimAsync();
        await store.CommitAsync([Added(1), .. Appended(1, Entry(1, 20))]);
        await store.TrimAsync();
        await store.AssertReopensAsync(new StoredState { Jobs = [Job(1) with { LastEntry = 1 }] }, (JobId(1), [Entry(1, 20)]));
    }

    /// <summary>Commits go on between the steps of trimming, and lose nothing.</summary>
    [Fact]
    public async Task Trimming_in_steps_between_commits_removes_only_what_is_forgotten()
    {
        const int Jobs = 300;
        await using OpenedStore store = await OpenAsync();
        await store.CommitAsync(Enumerable.Range(0, Jobs).SelectMany(job => Appended(job, Entries(1, 4)).Prepend(Added(job))));
        await store.CommitAsync(Enumerable.Range(0, Jobs).Where(static job => job % 3 != 0).Select(static job => new StoreChange.JobForgotten(JobId(job))));
        bool more = true;
        for (int number = 5; more; number++)
        {
            more = await store.Store.TrimAsync(store.Timeout);
            await store.CommitAsync(Appended(0, Entry(number)));
        }

        StoredState state = await store.ReopenAsync();
        Assert.Equal(Jobs / 3, state.Jobs.Count);
        foreach (StoredJob job in state.Jobs)
        {
            Assert.Equal(job.LastEntry, (await store.ReadLogAsync(job.Id)).Count);
        }
    }
}
