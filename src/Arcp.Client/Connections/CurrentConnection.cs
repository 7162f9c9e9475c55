namespace Arcp.Client.Connections;

/// <summary>The connection that a session has at this moment; who wants to send waits here while there is none.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class CurrentConnection
{
    private readonly Lock _gate = new();
    private TaskCompletionSource<ClientConnection?> _arrival = New();
    private ClientConnection? _connection;
    private bool _isOver;

    /// <summary>The connection, when there is one that is not over.</summary>
    public ClientConnection? Value
    {
        get
        {
            lock (_gate)
            {
                return _connection is { Over.IsCompleted: false } ? _connection : null;
            }
        }
    }

    /// <summary>Waits until there is a connection.</summary>
    /// <returns>Null when there will be none any more.</returns>
    public async ValueTask<ClientConnection?> WaitAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task<ClientConnection?> arrival;
            lock (_gate)
            {
                if (_isOver || _connection is { Over.IsCompleted: false })
                {
                    return _isOver ? null : _connection;
                }

                if (_arrival.Task.IsCompleted)
                {
                    _arrival = New();
                }

                arrival = _arrival.Task;
            }

            await arrival.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>There is a connection.</summary>
    public void Set(ClientConnection connection) => Change(connection, isOver: false);

    /// <summary>There will be none any more.</summary>
    public void End() => Change(null, isOver: true);

    private static TaskCompletionSource<ClientConnection?> New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Change(ClientConnection? connection, bool isOver)
    {
        TaskCompletionSource<ClientConnection?> arrival;
        lock (_gate)
        {
            (_connection, _isOver) = (connection, isOver);
            arrival = _arrival;
        }

        arrival.TrySetResult(connection);
    }
}
