using System.Text;
using System.Text.Json.Nodes;
using Arcp.Core.Transports;

namespace Arcp.EndToEnd.Tests.Durability;

/// <summary>One connection that speaks raw frames. A process that is killed ends it: then sending does nothing, and reading gives null.</summary>
internal sealed class Link(ITransport transport) : IAsyncDisposable
{
    private readonly FrameBuffer _buffer = new(64 * 1024 * 1024);
    private readonly SemaphoreSlim _writing = new(1);

    public static async Task<Link?> TryOpenAsync(Uri endpoint)
    {
        try
        {
            using CancellationTokenSource patience = Round.NewPatience();
            return new Link(await WebSocketTransport.ConnectAsync(endpoint, null, patience.Token));
        }
        catch (TransportException)
        {
            return null;
        }
    }

    public async Task SendAsync(string type, string id, JsonObject payload, string? trace = null)
    {
        var frame = new JsonObject { ["arcp"] = "1.1", ["id"] = id, ["type"] = type };
        if (trace is not null)
        {
            frame["trace_id"] = trace;
        }

        frame["payload"] = payload;
        byte[] bytes = Encoding.UTF8.GetBytes(frame.ToJsonString());
        using CancellationTokenSource patience = Round.NewPatience();
        await _writing.WaitAsync(patience.Token);
        try
        {
            await transport.WriteAsync(bytes, patience.Token);
            await transport.FlushAsync(patience.Token);
        }
        catch (Exception e) when (e is TransportException or ObjectDisposedException)
        {
            // The reader sees the end, too.
        }
        finally
        {
            _writing.Release();
        }
    }

    public async Task<RecordedFrame?> ReceiveAsync()
    {
        using CancellationTokenSource patience = Round.NewPatience();
        _buffer.Clear();
        try
        {
            return await transport.ReadAsync(_buffer, patience.Token) is FrameReadStatus.Frame
                ? RecordedFrame.Parse(Encoding.UTF8.GetString(_buffer.WrittenSpan))
                : null;
        }
        catch (Exception e) when (e is TransportException or ObjectDisposedException)
        {
            return null;
        }
    }

    public ValueTask DisposeAsync() => transport.DisposeAsync();
}
