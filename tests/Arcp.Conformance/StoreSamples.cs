using Arcp.Core.Ids;
using Arcp.Runtime.Storage;

namespace Arcp.Conformance;

/// <summary>Records for the tests of stores.</summary>
internal static class StoreSamples
{
    /// <summary>Text that a careless store breaks: quotes, a zero character, a line end, and characters of two, three and four bytes.</summary>
    public const string Text = "it's \"quoted\"; -- $1 ? %_ \\ \0 \r\n é 日本 🙂";

    public static StoredPrincipal Alice { get; } = new("alice", IsAnonymous: false);

    public static DateTimeOffset Time { get; } = new(new DateTime(2030, 1, 2, 3, 4, 5, DateTimeKind.Utc).AddTicks(1_234_567));

    public static byte[] Bytes(int length, int seed = 0)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    public static JobId JobId(int i) => new($"job_{i}");

    public static SessionId SessionId(int i) => new($"sess_{i}");

    public static StoredJob Job(int i) => new()
    {
        Id = JobId(i),
        Principal = Alice,
        SubmittedBy = SessionId(1),
        AgentName = "echo",
        AgentVersion = "1.0.0",
        Lease = "{}",
        Trace = "4bf92f3577b34da6a3ce929d0e0e4736",
        CreatedAt = Time.AddSeconds(i),
    };

    /// <summary>A job with something in all its members.</summary>
    public static StoredJob FullJob(int i) => Job(i) with
    {
        Principal = new StoredPrincipal(Text, IsAnonymous: true),
        AgentName = Text,
        AgentVersion = "1.0.0-β",
        Lease = """{"fs.read":["/a/'b'/**"],"cost.budget":["USD:1.50"]}""",
        LeaseExpiresAt = Time.AddTicks(1),
        Trace = Text,
        ParentId = new JobId(Text),
        DelegationDepth = 3,
        Acceptance = Bytes(5000, i),
        IsAcceptanceSecret = true,
        AnnouncedAt = long.MaxValue,
        Remaining = new Dictionary<string, decimal> { ["USD"] = 1.50m, ["€ \"'"] = decimal.MinValue, ["x"] = 0.0000000000000000000000000001m },
    };

    public static StoreChange.JobAdded Added(int i) => new(Job(i));

    public static StoredEntry Entry(long number, int length = 350, int secret = 0) => new(number, number * 7919, Bytes(length, (int)number), Bytes(secret, (int)number + 1));

    public static StoredEntry[] Entries(long first, int count, int length = 350) => [.. Enumerable.Range(0, count).Select(i => Entry(first + i, length))];

    public static IEnumerable<StoreChange> Appended(int job, params IEnumerable<StoredEntry> entries) =>
        entries.Select(entry => new StoreChange.EntryAppended(JobId(job), entry));

    public static StoreChange.SessionKept Kept(int i, int token = 0) => new(SessionId(i), Alice, Features: 5, Bytes(32, token));

    public static StoredSession Session(int i) => new() { Id = SessionId(i), Principal = Alice, Features = 5, TokenHash = Bytes(32) };

    /// <summary>Frames that stand for neighbouring entries.</summary>
    public static StoredFrames Frames(long firstSeq, long count, int job, long firstEntry) => new(firstSeq, count, JobId(job), firstEntry, count * 400, default);

    /// <summary>A frame that stands in no log.</summary>
    public static StoredFrames OwnFrame(long seq, int job) => new(seq, 1, JobId(job), 0, 123, Bytes(123, (int)seq));

    public static StoreChange.FramesSent Sent(int session, params StoredFrames[] frames) => new(SessionId(session), frames);

    public static StoreChange.CursorOpened Opened(int session, int job, long position = 0, bool isSubscription = false) =>
        new(SessionId(session), new StoredCursor(JobId(job), position, isSubscription));

    public static StoredAnswer Answer(string key) => new()
    {
        Principal = Alice,
        Key = key,
        Fingerprint = Bytes(32, 1),
        JobId = JobId(1),
        Trace = "4bf92f3577b34da6a3ce929d0e0e4736",
        Payload = Bytes(700, 2),
        ExpiresAt = Time,
    };

    public static StoredCredential Credential(string key) => new() { Key = key, Id = new CredentialId("cred_1"), JobId = JobId(1), Value = Bytes(60, 3), Endpoint = "https://api.example/v1" };
}
