using Arcp.Core.Ids;
using Arcp.Runtime.Storage;

namespace Arcp.Runtime.Tests.Support;

/// <summary>A store whose commits and readings do first what a test says.</summary>
internal sealed class ScriptedRuntimeStore(IRuntimeStore? inner = null) : IRuntimeStore
{
    public IRuntimeStore Inner { get; } = inner ?? new InMemoryRuntimeStore();

    /// <summary>Runs before each commit; what it throws fails the commit.</summary>
    public Func<IReadOnlyList<StoreChange>, Task>? BeforeCommit { get; set; }

    /// <summary>Runs behind each commit that was kept; what it throws fails the commit all the same.</summary>
    public Func<IReadOnlyList<StoreChange>, Task>? AfterCommit { get; set; }

    /// <summary>Runs before each reading of a log.</summary>
    public Func<JobId, long, Task>? BeforeRead { get; set; }

    public ValueTask<StoredState> OpenAsync(int contentVersion, CancellationToken cancellationToken) => Inner.OpenAsync(contentVersion, cancellationToken);

    public async ValueTask CommitAsync(IReadOnlyList<StoreChange> changes, CancellationToken cancellationToken)
    {
        await (BeforeCommit?.Invoke(changes) ?? Task.CompletedTask);
        await Inner.CommitAsync(changes, cancellationToken);
        await (AfterCommit?.Invoke(changes) ?? Task.CompletedTask);
    }

    public async ValueTask<IReadOnlyList<StoredEntry>> ReadLogAsync(JobId jobId, long after, int maxBytes, CancellationToken cancellationToken)
    {
        await (BeforeRead?.Invoke(jobId, after) ?? Task.CompletedTask).WaitAsync(cancellationToken);
        return await Inner.ReadLogAsync(jobId, after, maxBytes, cancellationToken);
    }

    public ValueTask<bool> TrimAsync(CancellationToken cancellationToken) => Inner.TrimAsync(cancellationToken);

    public ValueTask DisposeAsync() => Inner.DisposeAsync();
}
