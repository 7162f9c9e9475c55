using System.Runtime.CompilerServices;

namespace Arcp.Client;

/// <summary>The state of a connection and all that follow. One writer; any number of readers, each of which sees every state from its start on.</summary>
/// <remarks>A state leads to the next one, so what no reader needs any more is garbage; a reader never holds up the writer.</remarks>
internal sealed class StateFeed
{
    private volatile Node _current = new(new ConnectionState { Status = ConnectionStatus.Connected });

    public ConnectionState Current => _current.State;

    public void Publish(ConnectionState state)
    {
        Node last = _current;
        _current = new Node(state);
        last.Next.TrySetResult(_current);
    }

    public async IAsyncEnumerable<ConnectionState> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        Node node = _current;
        yield return node.State;
        while (!node.State.IsFinal)
        {
            node = await node.Next.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
            yield return node.State;
        }
    }

    private sealed class Node(ConnectionState state)
    {
        public ConnectionState State { get; } = state;

        public TaskCompletionSource<Node> Next { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
