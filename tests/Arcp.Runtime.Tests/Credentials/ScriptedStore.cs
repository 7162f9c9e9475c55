using Arcp.Runtime.Credentials;

namespace Arcp.Runtime.Tests.Credentials;

/// <summary>The store in memory; a test lets calls fail or wait.</summary>
public sealed class ScriptedStore : IRevocationStore
{
    private readonly InMemoryRevocationStore _inner = new();

    public Func<OutstandingCredential, CancellationToken, Task>? BeforeAdd { get; set; }

    public Func<OutstandingCredential, CancellationToken, Task>? BeforeRemove { get; set; }

    public Func<CancellationToken, Task>? BeforeList { get; set; }

    public Func<Task>? AfterList { get; set; }

    public IReadOnlyList<OutstandingCredential> Records => _inner.ListAsync(default).AsTask().GetAwaiter().GetResult();

    public async ValueTask AddAsync(OutstandingCredential credential, CancellationToken cancellationToken)
    {
        await (BeforeAdd?.Invoke(credential, cancellationToken) ?? Task.CompletedTask);
        await _inner.AddAsync(credential, cancellationToken);
    }

    public async ValueTask RemoveAsync(OutstandingCredential credential, CancellationToken cancellationToken)
    {
        await (BeforeRemove?.Invoke(credential, cancellationToken) ?? Task.CompletedTask);
        await _inner.RemoveAsync(credential, cancellationToken);
    }

    public async ValueTask<IReadOnlyList<OutstandingCredential>> ListAsync(CancellationToken cancellationToken)
    {
        await (BeforeList?.Invoke(cancellationToken) ?? Task.CompletedTask);
        IReadOnlyList<OutstandingCredential> listed = await _inner.ListAsync(cancellationToken);
        await (AfterList?.Invoke() ?? Task.CompletedTask);
        return listed;
    }
}
