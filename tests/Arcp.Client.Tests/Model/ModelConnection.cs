using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Arcp.Core.Transports;

namespace Arcp.Client.Tests.Model;

/// <summary>The runtime's end of a connection, with all that can happen to frames.</summary>
internal sealed class ModelConnection(ModelRuntime runtime, ITransport transport, ModelFaults faults)
{
    private readonly Channel<string?> _outbox = Channel.CreateUnbounded<string?>();

    public ModelSession? Session { get; set; }

    private string Name => $"#{GetHashCode() % 1000}";

    public void Send(string frame) => _outbox.Writer.TryWrite(frame);

    /// <summary>Closes in order behind what was sent.</summary>
    public void Close() => _outbox.Writer.TryWrite(null);

    public void Cut()
    {
        _outbox.Writer.TryComplete();
        _ = transport.DisposeAsync().AsTask();
    }

    public async Task RunAsync()
    {
        Task sending = SendAllAsync();
        try
        {
            using var frame = new FrameBuffer(1 << 24);
            while (await transport.ReadAsync(frame, CancellationToken.None) is FrameReadStatus.Frame)
            {
                Fault fault = faults.NextReceived();
                runtime.Tell($"{Name} > {fault} {Encoding.UTF8.GetString(frame.WrittenSpan)}");
                if (fault is not Fault.CutBefore)
                {
                    runtime.OnFrame(this, JsonElement.Parse(frame.WrittenSpan));
                }

                if (fault is not Fault.None)
                {
                    break;
                }
            }
        }
        catch (Exception e) when (e is TransportException or OperationCanceledException)
        {
        }

        Cut();
        await sending;
    }

    // A numbered frame that does not arrive in its turn breaks the order for good: nothing without a number may overtake it, as nothing could on a real
    // transport. The next numbered one shows the gap.
    private async Task SendAllAsync()
    {
        string? late = null;
        bool isBroken = false;
        try
        {
            await foreach (string? frame in _outbox.Reader.ReadAllAsync())
            {
                if (frame is null)
                {
                    await transport.CloseAsync(CancellationToken.None);
                    return;
                }

                bool isNumbered = frame.Contains("\"event_seq\"", StringComparison.Ordinal);
                if (!isNumbered && (isBroken || late is not null))
                {
                    continue;
                }

                Fault fault = faults.NextSent();
                runtime.Tell($"{Name} < {fault} {frame}");
                if (fault is Fault.CutBefore)
                {
                    break;
                }

                isBroken |= isNumbered && fault is Fault.Lost or Fault.Malformed;
                if (fault is Fault.Late && isNumbered && late is null)
                {
                    late = frame;
                    continue;
                }

                await WriteAsync(fault is Fault.Malformed ? frame[..(frame.Length / 2)] : frame, times: fault switch { Fault.Lost => 0, Fault.Duplicated => 2, _ => 1 });
                if (late is not null)
                {
                    await WriteAsync(late, times: 1);
                    late = null;
                    isBroken = true;
                }

                if (fault is Fault.CutBehind)
                {
                    break;
                }
            }
        }
        catch (Exception e) when (e is TransportException or OperationCanceledException)
        {
        }

        Cut();
    }

    private async Task WriteAsync(string frame, int times)
    {
        for (int i = 0; i < times; i++)
        {
            await transport.WriteAsync(Encoding.UTF8.GetBytes(frame), CancellationToken.None);
        }
    }
}
