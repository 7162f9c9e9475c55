using System.Net.Sockets;

namespace Arcp.EndToEnd.Tests.Support;

/// <summary>One connection through a <see cref="ChaosProxy"/>: a socket to either end, and a pump for either direction.</summary>
internal sealed class ChaosLink(Socket client, Socket server, Fault fault, Action<Fault> happened) : IDisposable
{
    /// <summary>Small, so that who sends to somebody who does not read notices.</summary>
    public const int BufferSize = 4096;

    // Longer than anybody waits for a peer that has fallen silent.
    private static readonly TimeSpan ClogTime = TimeSpan.FromSeconds(4);

    private volatile bool _swallowsUp;
    private volatile bool _swallowsDown;

    /// <summary>Carries bytes until both ends have closed, as far as the fault lets them see each other.</summary>
    public Task RunAsync(CancellationToken cancellationToken)
    {
        client.NoDelay = server.NoDelay = true;
        return Task.WhenAll(PumpAsync(client, server, Flow.Up, cancellationToken), PumpAsync(server, client, Flow.Down, cancellationToken));
    }

    public void Dispose()
    {
        client.Dispose();
        server.Dispose();
    }

    private bool Swallows(Flow flow) => flow is Flow.Up ? _swallowsUp : _swallowsDown;

    private async Task PumpAsync(Socket from, Socket to, Flow flow, CancellationToken cancellationToken)
    {
        byte[] block = new byte[BufferSize];
        int untilFault = fault.Kind is not FaultKind.None && fault.Flow == flow ? fault.Offset : int.MaxValue;
        try
        {
            while (await from.ReceiveAsync(block, cancellationToken) is > 0 and int count)
            {
                int safe = Math.Min(count, untilFault);
                await SendAsync(to, block.AsMemory(0, safe), flow, cancellationToken);
                if (count > safe)
                {
                    untilFault = int.MaxValue;
                    happened(fault);
                    if (!await HarmAsync(cancellationToken))
                    {
                        return;
                    }

                    await SendAsync(to, block.AsMemory(safe, count - safe), flow, cancellationToken);
                }
                else if (untilFault != int.MaxValue)
                {
                    untilFault -= count;
                }
            }

            if (!Swallows(flow))
            {
                to.Shutdown(SocketShutdown.Send);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // One end is gone. The other one hears of it, unless that is swallowed as well.
            if (!Swallows(flow) || cancellationToken.IsCancellationRequested)
            {
                Reset();
            }
        }
    }

    private async ValueTask SendAsync(Socket to, ReadOnlyMemory<byte> bytes, Flow flow, CancellationToken cancellationToken)
    {
        while (bytes.Length > 0 && !Swallows(flow))
        {
            bytes = bytes[await to.SendAsync(bytes, cancellationToken)..];
        }
    }

    // Whether the pump goes on.
    private async ValueTask<bool> HarmAsync(CancellationToken cancellationToken)
    {
        switch (fault.Kind)
        {
            case FaultKind.Cut:
                Dispose();
                return false;
            case FaultKind.Reset:
                Reset();
                return false;
            case FaultKind.Stall:
                await Task.Delay(fault.Wait, TimeProvider.System, cancellationToken);
                return true;
            case FaultKind.Clog:
                Swallow(both: false);
                await Task.Delay(ClogTime, TimeProvider.System, cancellationToken);
                return true;
            default:
                Swallow(both: fault.Kind is FaultKind.Vanish);
                return true;
        }
    }

    private void Swallow(bool both)
    {
        _swallowsUp |= both || fault.Flow is Flow.Up;
        _swallowsDown |= both || fault.Flow is Flow.Down;
    }

    private void Reset()
    {
        foreach (Socket socket in (Socket[])[client, server])
        {
            try
            {
                socket.LingerState = new LingerOption(true, 0);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // Gone already.
            }

            socket.Dispose();
        }
    }
}
