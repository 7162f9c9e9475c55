using Microsoft.Extensions.DependencyInjection;

namespace Arcp.Runtime.Agents;

/// <summary>A job's own scope of the host's services, opened when its agent first asks for them: most agents never do.</summary>
/// <remarks>Thread-safe.</remarks>
/// <param name="host">The host's services; empty without a container.</param>
internal sealed class JobScope(IServiceProvider host) : IAsyncDisposable
{
    private AsyncServiceScope? _scope;
    private bool _isClosed;

    /// <summary>The services of the scope; the host's own when there is no container.</summary>
    /// <exception cref="ObjectDisposedException">The agent has returned.</exception>
    public IServiceProvider Services
    {
        get
        {
            lock (this) // nobody else knows this object, and most are never locked
            {
                ObjectDisposedException.ThrowIf(_isClosed, typeof(IServiceProvider));
                _scope ??= host.GetService(typeof(IServiceScopeFactory)) is IServiceScopeFactory factory ? factory.CreateAsyncScope() : null;
                return _scope?.ServiceProvider ?? host;
            }
        }
    }

    public ValueTask DisposeAsync()
    {
        lock (this)
        {
            _isClosed = true;
            return _scope?.DisposeAsync() ?? ValueTask.CompletedTask;
        }
    }
}
