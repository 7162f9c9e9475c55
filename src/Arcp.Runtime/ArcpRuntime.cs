using Arcp.Core.Messages;
using Arcp.Core.Transports;
using Arcp.Runtime.Authentication;
using Arcp.Runtime.Sessions;

namespace Arcp.Runtime;

/// <summary>Runs ARCP sessions and jobs. Made by <c>services.AddArcpRuntime()</c>, or by <see cref="DependencyInjection.ArcpRuntimeBuilder.Build()"/> without a container.</summary>
/// <remarks>Thread-safe. <see cref="StopAsync"/> or <see cref="DisposeAsync"/> ends it once and for all.</remarks>
public sealed class ArcpRuntime : IAsyncDisposable
{
    private readonly SessionServices _services;
    private readonly ConnectionHost _connections;
    private readonly CancellationTokenSource _cut = new();
    private readonly Lock _lock = new();
    private readonly RuntimeRecovery? _recovery;
    private Task? _starting;
    private Task? _stopping;

    internal ArcpRuntime(RuntimeSetup setup)
    {
        _services = setup.Compose(out _recovery);
        _connections = new ConnectionHost(_services, WaitForStartAsync);
        if (_recovery is null)
        {
            _ = _services.Broker?.StartAsync(); // the broker awaits what it begins
            _starting = Task.CompletedTask;
        }
    }

    /// <summary>Whether <see cref="StopAsync"/> has been called: no job and no connection is taken any more.</summary>
    public bool IsStopping
    {
        get
        {
            lock (_lock)
            {
                return _stopping is not null;
            }
        }
    }

    /// <summary>What the runtime is doing at this moment.</summary>
    public ArcpRuntimeStatistics GetStatistics() => new()
    {
        Connections = _connections.Count,
        Sessions = _services.Sessions.Count,
        Jobs = _services.Jobs.Count,
        RunningJobs = _services.Jobs.ActiveCount,
        RunningAgents = _services.Runner.AgentCount,
        IdempotencyEntries = _services.Idempotency.Count,
        BufferedBytes = _services.Jobs.LogBytes,
        PendingDeadlines = _services.Deadlines.Count,
        OutstandingCredentials = _services.Broker?.Outstanding ?? 0,
        CredentialDeadLetters = _services.Broker?.DeadLetters ?? 0,
        UncommittedBytes = _services.Journal?.UncommittedBytes ?? 0,
        IsStoreFailing = _services.Journal?.IsFailing ?? false,
    };

    /// <summary>Opens the durable store, if there is one, and goes on where the last run has stopped. The host calls it when it starts; without a host call it before the first connection, or that one waits for it.</summary>
    /// <param name="cancellationToken">Ends the waiting, not the start.</param>
    /// <exception cref="Storage.RuntimeStoreException">The store cannot be used; the message says why. The runtime serves nobody then.</exception>
    /// <exception cref="ObjectDisposedException">The runtime has been stopped.</exception>
    public Task StartAsync(CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_stopping is not null, this);
            _starting ??= StartCoreAsync();
            return _starting.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Serves one connection until it ends, and disposes its transport.</summary>
    /// <param name="transport">The connection.</param>
    /// <param name="context">What the host knows of it; null = nothing.</param>
    /// <param name="cancellationToken">Cuts the connection; its session can be resumed (§6.3).</param>
    /// <returns>Ends when the connection has; never fails because of the peer.</returns>
    public Task RunConnectionAsync(ITransport transport, ConnectionContext? context = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(transport);
        SessionConnection? connection;
        lock (_lock)
        {
            connection = _stopping is null ? _connections.Add(transport) : null;
        }

        return connection is null
            ? transport.DisposeAsync().AsTask()
            : _connections.RunAsync(connection, context ?? ConnectionContext.Unknown, cancellationToken);
    }

    /// <summary>Opens a connection within this process, served like any other.</summary>
    /// <param name="context">What the host knows of it; null = nothing.</param>
    /// <returns>The client's end. Disposing it ends the connection.</returns>
    public ITransport ConnectInProcess(ConnectionContext? context = null)
    {
        (InMemoryTransport client, InMemoryTransport server) = InMemoryTransport.CreatePair();
        _ = RunConnectionAsync(server, context); // it is among the running ones, which StopAsync awaits, and never fails
        return client;
    }

    /// <summary>Stops: takes no more submits and connections, asks agents to stop and gives them the shutdown grace, ends every job with one terminal frame, sends what there is to send, and closes all connections.</summary>
    /// <param name="cancellationToken">Cuts the grace short.</param>
    /// <returns>Ends when nothing of the runtime is left but agents that ignore their cancellation.</returns>
    public Task StopAsync(CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            return _stopping ??= StopCoreAsync(cancellationToken);
        }
    }

    /// <summary>Stops, if that has not happened yet.</summary>
    public async ValueTask DisposeAsync() => await StopAsync(CancellationToken.None).ConfigureAwait(false);

    // A connection that was taken before the runtime began to stop is refused in order, and not dropped.
    private Task WaitForStartAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            return _starting?.WaitAsync(cancellationToken) ?? StartAsync(cancellationToken);
        }
    }

    private async Task StartCoreAsync()
    {
        await Task.Yield(); // the lock is not held from here on
        await _recovery!.RunAsync(_services, _cut.Token).ConfigureAwait(false);
        _ = _services.Broker?.StartAsync(); // the broker awaits what it begins
    }

    private async Task StopCoreAsync(CancellationToken cancellationToken)
    {
        await Task.Yield(); // the lock is not held from here on
        if (_starting is { } starting)
        {
            await starting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await _connections.RefuseNewSessionsAsync().ConfigureAwait(false);
        _services.Broker?.StopIssuing();
        await _services.Runner.StopAsync(_services.Options.ShutdownGrace, cancellationToken).ConfigureAwait(false);

        // A submit that was taken before jobs were no longer gets its answer, and its job its end, before the connection goes.
        foreach ((Session _, SessionConnection connection) in _services.Sessions.Connected())
        {
            connection.CompleteDispatch();
        }

        await Task.WhenAll(_services.Sessions.All().Select(session => session.LastAnswer)).ConfigureAwait(false);
        await _services.Runner.WaitForEndsAsync().ConfigureAwait(false); // of jobs that were decided meanwhile
        await Task.WhenAll(_services.Sessions.Connected().Select(EndAsync)).ConfigureAwait(false);
        await _cut.CancelAsync().ConfigureAwait(false);
        await _connections.StopAsync().ConfigureAwait(false);
        if (_services.Broker is { } broker)
        {
            await broker.StopAsync(_services.Options.ShutdownGrace, cancellationToken).ConfigureAwait(false);
        }

        if (_services.Journal is { } journal)
        {
            await journal.StopAsync(_services.Options.ShutdownGrace).ConfigureAwait(false); // what is forgotten from here on is forgotten by this run alone
        }

        _services.Sessions.Clear();
        _services.Jobs.Clear();

        _services.Deadlines.Dispose();
        _connections.Dispose();
        _cut.Dispose();
    }

    private static Task EndAsync((Session Session, SessionConnection Connection) entry)
    {
        entry.Connection.End(new ConnectionEnd("the runtime is shutting down", entry.Session.Frame(new SessionClosed { Reason = "The runtime is shutting down." })) { Drain = true });
        return entry.Connection.Ended;
    }
}
