using System.Text;
using Arcp.Core.Transports;
using Xunit;

namespace Arcp.Conformance;

/// <summary>Two connected transports, the time a test may take, and the few steps that every test is made of.</summary>
internal sealed class ConnectedPair : IAsyncDisposable
{
    public const int FrameLimit = 1024 * 1024;

    // How long a call may wait for other reasons (a busy machine) before the tests take it that it waits for the peer.
    // Too short makes a test weaker, never red.
    private static readonly TimeSpan StallTime = TimeSpan.FromMilliseconds(250);

    private readonly CancellationTokenSource _timeout;

    public ConnectedPair(ITransport first, ITransport second, TimeSpan timeout)
    {
        First = first;
        Second = second;
        _timeout = new CancellationTokenSource(timeout, TimeProvider.System);
    }

    public ITransport First { get; }

    public ITransport Second { get; }

    /// <summary>Cancelled when the test has taken too long.</summary>
    public CancellationToken Timeout => _timeout.Token;

    public static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    /// <summary>A frame of printable characters that no compression makes much smaller.</summary>
    public static byte[] Content(int length, int seed = 0)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        for (int i = 0; i < length; i++)
        {
            bytes[i] = (byte)('0' + bytes[i] % 64);
        }

        return bytes;
    }

    public static async Task SendAsync(ITransport transport, ReadOnlyMemory<byte> frame, CancellationToken cancellationToken)
    {
        await transport.WriteAsync(frame, cancellationToken);
        await transport.FlushAsync(cancellationToken);
    }

    /// <summary>Sends frames until a call waits because nobody reads.</summary>
    /// <returns>How many calls ended, and the call that waits.</returns>
    public static async Task<(int Sent, Task Waiting)> SendUntilWaitingAsync(
        ITransport transport, Func<int, byte[]> frame, int maxBytes, CancellationToken cancellationToken)
    {
        int sent = 0;
        for (long bytes = 0; bytes <= maxBytes; sent++)
        {
            byte[] next = frame(sent);
            Task sending = SendAsync(transport, next, cancellationToken);
            try
            {
                await sending.WaitAsync(StallTime, TimeProvider.System, cancellationToken);
            }
            catch (TimeoutException)
            {
                return (sent, sending);
            }

            bytes += next.Length;
        }

        throw new Xunit.Sdk.XunitException($"The transport took more than {maxBytes} bytes that nobody read.");
    }

    public async Task<byte[]> ReceiveAsync(ITransport transport, FrameBuffer frame)
    {
        Assert.Equal(FrameReadStatus.Frame, await transport.ReadAsync(frame, Timeout));
        return frame.WrittenSpan.ToArray();
    }

    public async Task AssertReceivesAsync(ITransport transport, params IEnumerable<byte[]> frames)
    {
        using var frame = new FrameBuffer(FrameLimit);
        foreach (byte[] expected in frames)
        {
            Assert.Equal(expected, await ReceiveAsync(transport, frame));
        }
    }

    public async Task AssertReceivesClosedAsync(ITransport transport)
    {
        using var frame = new FrameBuffer(FrameLimit);
        Assert.Equal(FrameReadStatus.Closed, await transport.ReadAsync(frame, Timeout));
        Assert.Equal(0, frame.Length);
    }

    /// <summary>Asserts that a call ends by itself because its transport is over.</summary>
    public async Task AssertEndsAsync(Task call)
    {
        Exception? error = await Record.ExceptionAsync(() => call.WaitAsync(Timeout));
        Timeout.ThrowIfCancellationRequested();
        Assert.True(error is OperationCanceledException or TransportException, $"The call ended with {error?.ToString() ?? "success"}.");
    }

    public async ValueTask DisposeAsync()
    {
        await First.DisposeAsync();
        await Second.DisposeAsync();
        _timeout.Dispose();
    }
}
