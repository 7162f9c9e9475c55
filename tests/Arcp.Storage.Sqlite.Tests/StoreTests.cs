using Arcp.Core.Ids;
using Arcp.Runtime.Storage;

namespace Arcp.Storage.Sqlite.Tests;

/// <summary>What the tests of this project have in common.</summary>
public abstract class StoreTests : IDisposable
{
    private protected static readonly CancellationToken None = CancellationToken.None;
    private protected static readonly JobId Job1 = new("job_1");

    private protected StoreDirectory Directory { get; } = new();

    public void Dispose()
    {
        Directory.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected static StoreChange.JobAdded Added(int i) => new(new StoredJob
    {
        Id = new JobId($"job_{i}"),
        Principal = new StoredPrincipal("alice", IsAnonymous: false),
        SubmittedBy = new SessionId("sess_1"),
        AgentName = "echo",
        AgentVersion = "1.0.0",
        Lease = "{}",
        Trace = "4bf92f3577b34da6a3ce929d0e0e4736",
        CreatedAt = new DateTimeOffset(2030, 1, 2, 3, 4, 5, TimeSpan.Zero),
    });

    private protected static StoreChange[] Appended(int job, int first, int count, int length = 350) =>
        [.. Enumerable.Range(first, count).Select(number => new StoreChange.EntryAppended(new JobId($"job_{job}"), new StoredEntry(number, number, Bytes(length, number), default)))];

    private protected static byte[] Bytes(int length, int seed)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private protected static async Task<SqliteRuntimeStore> OpenAsync(SqliteStoreSettings settings)
    {
        var store = new SqliteRuntimeStore(settings);
        await store.OpenAsync(RuntimeStoreContent.Version, None);
        return store;
    }

    private protected Task<SqliteRuntimeStore> OpenAsync() => OpenAsync(Directory.Settings());

    private protected async Task<RuntimeStoreException> OpeningFailsAsync()
    {
        await using IRuntimeStore store = Directory.Create();
        return await Assert.ThrowsAsync<RuntimeStoreException>(() => store.OpenAsync(RuntimeStoreContent.Version, None).AsTask());
    }
}
