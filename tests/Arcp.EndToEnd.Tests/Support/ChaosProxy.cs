using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Arcp.EndToEnd.Tests.Support;

/// <summary>A TCP proxy that harms the connections it carries.</summary>
/// <remarks>Over a connection that is half-open neither end hears of the other's end: it stays open, and is counted, until both have closed it.</remarks>
internal sealed class ChaosProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<Task, bool> _links = new();
    private readonly EndPoint _target;
    private readonly Func<Fault> _nextFault;
    private readonly Action<Fault> _happened;
    private readonly Task _accepting;

    /// <summary>Starts.</summary>
    /// <param name="target">Where the connections lead.</param>
    /// <param name="nextFault">What happens to the next connection; asked for one connection after the other.</param>
    /// <param name="happened">Told when it has happened.</param>
    public ChaosProxy(Uri target, Func<Fault> nextFault, Action<Fault> happened)
    {
        _target = new IPEndPoint(IPAddress.Loopback, target.Port);
        _nextFault = nextFault;
        _happened = happened;
        _listener.Server.ReceiveBufferSize = ChaosLink.BufferSize; // accepted sockets inherit it
        _listener.Start();
        Endpoint = new UriBuilder(target) { Scheme = "ws", Host = "127.0.0.1", Port = ((IPEndPoint)_listener.LocalEndpoint).Port }.Uri;
        _accepting = AcceptAsync();
    }

    public Uri Endpoint { get; }

    /// <summary>How many connections have an end that is not closed.</summary>
    public int OpenConnections => _links.Keys.Count(link => !link.IsCompleted);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        await Task.WhenAll(_links.Keys);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket client = await _listener.AcceptSocketAsync(_stop.Token);
                _links[CarryAsync(client, _nextFault())] = true;
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The end of the proxy.
        }
    }

    private async Task CarryAsync(Socket client, Fault fault)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = ChaosLink.BufferSize };
        using var link = new ChaosLink(client, server, fault, _happened);
        try
        {
            await server.ConnectAsync(_target, _stop.Token);
            await link.RunAsync(_stop.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            // The end of the proxy, or of its target.
        }
    }
}
