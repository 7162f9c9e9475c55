using Arcp.Core;
using Arcp.Core.Ids;
using Arcp.Runtime.Storage;

namespace Arcp.Storage.Sqlite.Tests;

/// <summary>What <c>Files/schema-1.db</c> holds, and how it was made: by <see cref="WriteAsync"/>, into an empty file, when the schema was at version 1.</summary>
/// <remarks>The file is never made anew, not even when this changes: it stands for those that users have. A later schema gets a file of its own beside it.</remarks>
internal static class Schema1File
{
    private static readonly StoredPrincipal Alice = new("alice", IsAnonymous: false);
    private static readonly DateTimeOffset Time = new DateTimeOffset(2030, 1, 2, 3, 4, 5, TimeSpan.Zero).AddTicks(1_234_567);
    private static readonly SessionId Session1 = new("sess_1");

    public static string Path { get; } = System.IO.Path.Combine(AppContext.BaseDirectory, "Files", "schema-1.db");

    public static StoredState State { get; } = new()
    {
        Jobs =
        [
            Job(1) with { LastEntry = 5, Status = JobStatus.Success, EndedAt = Time.AddHours(1), Acceptance = Bytes(400, 1) },
            Job(2) with
            {
                Principal = new StoredPrincipal("é 🙂 \0 '", IsAnonymous: true),
                LeaseExpiresAt = Time.AddDays(1),
                ParentId = new JobId("job_1"),
                DelegationDepth = 1,
                IsAcceptanceSecret = true,
                Acceptance = Bytes(5000, 2),
                AnnouncedAt = 3,
                Remaining = new Dictionary<string, decimal> { ["USD"] = 1.50m, ["€"] = -0.0001m },
                LastEntry = 1200,
            },
            Job(3) with { LastEntry = 2, IsForgotten = true },
        ],
        Answers =
        [
            new() { Principal = Alice, Key = "k", Fingerprint = Bytes(32, 3), JobId = new JobId("job_1"), Trace = "t", Payload = Bytes(300, 4), IsSecret = true, ExpiresAt = Time.AddDays(1) },
        ],
        Sessions =
        [
            new()
            {
                Id = Session1,
                Principal = Alice,
                Features = 2047,
                TokenHash = Bytes(32, 5),
                DetachedAt = Time.AddMinutes(5),
                LastSeq = 9,
                Floor = 4,
                Sent = [Frames(3, 3, 1, 3), new(6, 1, new JobId("job_1"), 0, 99, Bytes(99, 6)), Frames(7, 1, 3, 2), Frames(8, 2, 2, 1)],
                Cursors = [new(new JobId("job_1"), 5, false), new(new JobId("job_2"), 2, true)],
            },
        ],
        Credentials = [new() { Key = "c", Id = new CredentialId("cred_1"), JobId = new JobId("job_1"), Value = Bytes(60, 7), Endpoint = "https://api.example", ProviderKey = "p" }],
        ListingKey = Bytes(32, 8),
    };

    public static StoredEntry[] Log(JobId id, long count) =>
        [.. Enumerable.Range(1, (int)count).Select(number => new StoredEntry(number, -number, Bytes(10 + number % 50, number), Bytes(id.Value == "job_1" ? number : 0, -number)))];

    public static async Task WriteAsync(string path)
    {
        await using var store = new SqliteRuntimeStore(SqliteStoreSettings.Create($"Data Source={path}", new SqliteStoreOptions()));
        await store.OpenAsync(1, CancellationToken.None);
        StoredSession session = State.Sessions[0];
        StoreChange[][] batches =
        [
            [.. State.Jobs.Select(static job => new StoreChange.JobAdded(job)), new StoreChange.JobAdded(Job(4)), new StoreChange.SessionKept(Session1, Alice, session.Features, session.TokenHash)],
            .. State.Jobs.Select(static job => Appended(job.Id, 0, job.LastEntry / 2)),
            .. State.Jobs.Select(static job => Appended(job.Id, job.LastEntry / 2, job.LastEntry)),
            [
                .. session.Cursors.Select(static cursor => new StoreChange.CursorOpened(Session1, cursor with { Position = 0 })),
                new StoreChange.FramesSent(Session1, [Frames(1, 2, 1, 1), .. session.Sent]),
                new StoreChange.FramesReleased(Session1, session.Floor),
                new StoreChange.SessionDetached(Session1, session.DetachedAt!.Value),
                new StoreChange.AnswerKept(State.Answers[0]),
                new StoreChange.CredentialKept(State.Credentials[0]),
                new StoreChange.ListingKeyKept(State.ListingKey!.Value),
                new StoreChange.JobEnded(new JobId("job_1"), JobStatus.Success, Time.AddHours(1)),
                new StoreChange.JobForgotten(new JobId("job_3")),
                new StoreChange.JobForgotten(new JobId("job_4")),
            ],

            // Rows that nobody needs and nobody has removed yet.
            [new StoreChange.SessionKept(new SessionId("sess_2"), Alice, 0, default), new StoreChange.CursorOpened(new SessionId("sess_2"), new StoredCursor(new JobId("job_4"), 0, false))],
            [new StoreChange.FramesSent(new SessionId("sess_2"), [Frames(1, 1, 4, 1)]), new StoreChange.SessionForgotten(new SessionId("sess_2"))],
        ];
        foreach (StoreChange[] batch in batches)
        {
            await store.CommitAsync(batch, CancellationToken.None);
        }
    }

    private static StoreChange[] Appended(JobId id, long after, long last) => [.. Log(id, last).Skip((int)after).Select(entry => new StoreChange.EntryAppended(id, entry))];

    private static StoredFrames Frames(long firstSeq, long count, int job, long firstEntry) => new(firstSeq, count, new JobId($"job_{job}"), firstEntry, count * 100, default);

    private static StoredJob Job(int i) => new()
    {
        Id = new JobId($"job_{i}"),
        Principal = Alice,
        SubmittedBy = Session1,
        AgentName = "echo",
        AgentVersion = "1.0.0",
        Lease = """{"fs.read":["/a/**"]}""",
        Trace = "4bf92f3577b34da6a3ce929d0e0e4736",
        CreatedAt = Time.AddSeconds(i),
    };

    // Not Random: what it makes of a seed may differ from version to version.
    private static byte[] Bytes(int length, int seed) => [.. Enumerable.Range(0, length).Select(i => (byte)(i * 31 + seed * 17 + (i >> 3)))];
}
