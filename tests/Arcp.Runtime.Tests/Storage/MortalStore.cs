using Arcp.Core.Ids;
using Arcp.Runtime.Storage;

namespace Arcp.Runtime.Tests.Storage;

/// <summary>A runtime's way to a store, which can be cut off as the death of the process does it: between two commits.</summary>
internal sealed class MortalStore(IRuntimeStore kept) : IRuntimeStore
{
    private readonly Lock _lock = new();
    private bool _isDead;

    /// <summary>Cuts it off and gives the store back.</summary>
    public async Task KillAsync()
    {
        lock (_lock)
        {
            _isDead = true;
        }

        await kept.DisposeAsync();
    }

    public ValueTask<StoredState> OpenAsync(int contentVersion, CancellationToken cancellationToken) => Alive(() => kept.OpenAsync(contentVersion, cancellationToken));

    public ValueTask CommitAsync(IReadOnlyList<StoreChange> changes, CancellationToken cancellationToken) => Alive(() => kept.CommitAsync(changes, cancellationToken));

    public ValueTask<IReadOnlyList<StoredEntry>> ReadLogAsync(JobId jobId, long after, int maxBytes, CancellationToken cancellationToken) =>
        Alive(() => kept.ReadLogAsync(jobId, after, maxBytes, cancellationToken));

    public ValueTask<bool> TrimAsync(CancellationToken cancellationToken) => Alive(() => kept.TrimAsync(cancellationToken));

    public ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            if (_isDead)
            {
                return ValueTask.CompletedTask;
            }

            _isDead = true;
        }

        return kept.DisposeAsync();
    }

    // In memory a call is done when it returns, so nothing is under way behind the lock.
    private T Alive<T>(Func<T> call)
    {
        lock (_lock)
        {
            return _isDead ? throw new IOException("The process is dead.") : call();
        }
    }
}
