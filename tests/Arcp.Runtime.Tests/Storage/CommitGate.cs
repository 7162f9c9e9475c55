using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Storage;

/// <summary>Holds the commits of a store until a test lets them go on.</summary>
internal sealed class CommitGate : IDisposable
{
    private readonly ScriptedRuntimeStore _store;
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public CommitGate(ScriptedRuntimeStore store)
    {
        _store = store;
        store.BeforeCommit = async _ =>
        {
            _reached.TrySetResult();
            await _opened.Task;
        };
    }

    /// <summary>Ends when a commit is held.</summary>
    public Task ReachedAsync() => _reached.Task.WaitAsync(WireClient.Patience, TimeProvider.System);

    /// <summary>Lets all commits go on.</summary>
    public void Open()
    {
        _store.BeforeCommit = null;
        _opened.TrySetResult();
    }

    public void Dispose() => Open();
}
