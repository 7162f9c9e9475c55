using Arcp.Core.Ids;
using Arcp.Runtime.Storage;
using Xunit;

namespace Arcp.Conformance;

/// <summary>A store that is open, the time a test may take, and the few steps that every test is made of.</summary>
internal sealed class OpenedStore : IAsyncDisposable
{
    private readonly Func<IRuntimeStore> _create;
    private readonly CancellationTokenSource _timeout;

    private OpenedStore(Func<IRuntimeStore> create, TimeSpan timeout)
    {
        _create = create;
        _timeout = new CancellationTokenSource(timeout, TimeProvider.System);
        Store = create();
    }

    public IRuntimeStore Store { get; private set; }

    /// <summary>What the store held when it was opened last.</summary>
    public StoredState State { get; private set; } = StoredState.Empty;

    /// <summary>Cancelled when the test has taken too long.</summary>
    public CancellationToken Timeout => _timeout.Token;

    public static async Task<OpenedStore> OpenAsync(Func<IRuntimeStore> create, TimeSpan timeout)
    {
        var opened = new OpenedStore(create, timeout);
        opened.State = await opened.Store.OpenAsync(RuntimeStoreContent.Version, opened.Timeout);
        return opened;
    }

    public Task CommitAsync(params IEnumerable<StoreChange> changes) => Store.CommitAsync([.. changes], Timeout).AsTask();

    /// <summary>Ends the store and opens its place again.</summary>
    public async Task<StoredState> ReopenAsync()
    {
        await Store.DisposeAsync();
        Store = _create();
        return State = await Store.OpenAsync(RuntimeStoreContent.Version, Timeout);
    }

    /// <summary>Reads a whole log in parts, and checks that no part is larger than was asked for.</summary>
    public async Task<List<StoredEntry>> ReadLogAsync(JobId jobId, int maxBytes = 64 * 1024)
    {
        var entries = new List<StoredEntry>();
        while (true)
        {
            IReadOnlyList<StoredEntry> part = await Store.ReadLogAsync(jobId, entries.Count, maxBytes, Timeout);
            if (part.Count == 0)
            {
                return entries;
            }

            Assert.True(part.Count == 1 || part.Sum(static entry => (long)entry.Bytes.Length + entry.Secret.Length) <= maxBytes, "A part is larger than was asked for.");
            Assert.Equal(Enumerable.Range(entries.Count + 1, part.Count).Select(static number => (long)number), part.Select(static entry => entry.Number));
            entries.AddRange(part);
        }
    }

    /// <summary>Trims until there is nothing more to remove.</summary>
    public async Task<int> TrimAsync()
    {
        int steps = 1;
        while (await Store.TrimAsync(Timeout))
        {
            steps++;
        }

        return steps;
    }

    /// <summary>Asserts that opening the place again gives these records and logs, and no others.</summary>
    public async Task AssertReopensAsync(StoredState expected, params IEnumerable<(JobId JobId, StoredEntry[] Log)> logs)
    {
        StoredStateText.AssertEqual(expected, await ReopenAsync());
        foreach ((JobId jobId, StoredEntry[] log) in logs)
        {
            Assert.Equal(log.Select(StoredStateText.Of), (await ReadLogAsync(jobId)).Select(StoredStateText.Of));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        _timeout.Dispose();
    }
}
