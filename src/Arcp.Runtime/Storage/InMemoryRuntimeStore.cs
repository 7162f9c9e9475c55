using Arcp.Core.Ids;

namespace Arcp.Runtime.Storage;

/// <summary>A store in memory: what it holds survives its runtime, not the process. For tests, and as the model that other stores are compared with.</summary>
/// <remarks>Thread-safe. Disposing it gives it back; then it can be opened again, by another runtime, and holds what was committed.</remarks>
public sealed class InMemoryRuntimeStore : IRuntimeStore
{
    private readonly Lock _lock = new();
    private InMemoryContent _content = InMemoryContent.Empty;
    private bool _isOpen;

    /// <inheritdoc/>
    public ValueTask<StoredState> OpenAsync(int contentVersion, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            if (_isOpen)
            {
                throw new RuntimeStoreException("The store is in use by another runtime. Dispose that one first.");
            }

            if (_content.Version > contentVersion)
            {
                throw new RuntimeStoreException($"The store was written by a newer version of the runtime (content version {_content.Version}; this one knows {contentVersion}). Use that version.");
            }

            _content = _content with { Version = contentVersion };
            _isOpen = true;
            return new(_content.ToState());
        }
    }

    /// <inheritdoc/>
    public ValueTask CommitAsync(IReadOnlyList<StoreChange> changes, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(changes);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            // Content is immutable: a change that throws leaves what was there.
            _content = changes.Aggregate(OpenContent(), static (content, change) => content.Apply(change));
            return default;
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<StoredEntry>> ReadLogAsync(JobId jobId, long after, int maxBytes, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            return new(OpenContent().ReadLog(jobId, after, maxBytes));
        }
    }

    /// <inheritdoc/>
    public ValueTask<bool> TrimAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            _content = OpenContent().Trim();
            return new(false);
        }
    }

    /// <summary>Gives the store back. What it holds stays.</summary>
    public ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            _isOpen = false;
        }

        return default;
    }

    private InMemoryContent OpenContent()
    {
        ObjectDisposedException.ThrowIf(!_isOpen, this);
        return _content;
    }
}
