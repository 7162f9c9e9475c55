using System.Collections.Concurrent;
using System.Globalization;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Http.Features;

namespace Arcp.Benchmarks.Server;

/// <summary>The baselines: what Kestrel's WebSockets do with prebuilt frames and no runtime.</summary>
internal static class RawEndpoints
{
    private const int WriteSize = 64 * 1024;

    private static readonly ConcurrentBag<List<byte[]>> Kept = [];

    public static void MapRaw(this WebApplication app)
    {
        app.UseWebSockets();
        app.Map("/raw/push/send", PushEachAsync);
        app.Map("/raw/push/flush", PushManyAsync);
        app.Map("/raw/echo/send", EchoEachAsync);
        app.Map("/raw/echo/flush", EchoManyAsync);
        app.Map("/raw/idle", IdleAsync);
    }

    /// <summary>One send per frame, after the client's first message.</summary>
    private static async Task PushEachAsync(HttpContext context)
    {
        (int frames, int size) = (Number(context, "frames"), Number(context, "size"));
        using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
        byte[] payload = WebSocketFrames.Payload(size);
        await socket.ReceiveAsync(new byte[256].AsMemory(), context.RequestAborted);
        for (int i = 0; i < frames; i++)
        {
            await socket.SendAsync(payload, WebSocketMessageType.Text, endOfMessage: true, context.RequestAborted);
        }

        await DrainAsync(socket, context.RequestAborted);
    }

    /// <summary>Many frames per write, after the client's first bytes, with a copy of the first ones kept for good. What the client says meanwhile is read and does not matter.</summary>
    private static async Task PushManyAsync(HttpContext context)
    {
        (int frames, int size) = (Number(context, "frames"), Number(context, "size"));
        int keep = Number(context, "keep");
        List<byte[]> kept = [];
        Kept.Add(kept);
        await using Stream stream = await UpgradeAsync(context);
        int perWrite = Math.Max(1, WriteSize / (size + 4));
        byte[] block = WebSocketFrames.Build(Enumerable.Repeat(size, perWrite));
        byte[] input = new byte[256];
        _ = await stream.ReadAsync(input, context.RequestAborted);
        Task drain = DrainAsync(stream, input, context.RequestAborted);
        for (int left = frames; left > 0; left -= perWrite)
        {
            ReadOnlyMemory<byte> next = block.AsMemory(0, block.Length / perWrite * Math.Min(left, perWrite));
            if (keep > 0)
            {
                kept.Add(next.ToArray());
                keep -= next.Length;
            }

            await stream.WriteAsync(next, context.RequestAborted);
        }

        await drain;
    }

    /// <summary>Answers each message with frames of the given sizes, one send each, and keeps so many bytes of each message for good.</summary>
    private static async Task EchoEachAsync(HttpContext context)
    {
        byte[][] answers = [.. Sizes(context).Select(WebSocketFrames.Payload)];
        int keep = Number(context, "keep");
        List<byte[]> kept = [];
        Kept.Add(kept);
        using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
        Memory<byte> input = new byte[4096];
        while (await socket.ReceiveAsync(input, context.RequestAborted) is { MessageType: not WebSocketMessageType.Close } received)
        {
            if (!received.EndOfMessage)
            {
                continue;
            }

            if (keep > 0)
            {
                kept.Add(new byte[keep]);
            }

            foreach (byte[] answer in answers)
            {
                await socket.SendAsync(answer, WebSocketMessageType.Text, endOfMessage: true, context.RequestAborted);
            }
        }
    }

    /// <summary>Answers each message with frames of the given sizes, one write for the answers to all messages of a read.</summary>
    private static async Task EchoManyAsync(HttpContext context)
    {
        byte[] answer = WebSocketFrames.Build(Sizes(context));
        await using Stream stream = await UpgradeAsync(context);
        byte[] input = new byte[WriteSize];
        using var output = new MemoryStream();
        int held = 0;
        for (int read = await stream.ReadAsync(input, context.RequestAborted); read > 0; read = await stream.ReadAsync(input.AsMemory(held), context.RequestAborted))
        {
            held += read;
            int taken = 0;
            output.SetLength(0);
            while (MaskedFrameLength(input.AsSpan(taken, held - taken)) is { } length && taken + length <= held)
            {
                if ((input[taken] & 0xF) == 0x8)
                {
                    return;
                }

                taken += length;
                output.Write(answer);
            }

            input.AsSpan(taken, held - taken).CopyTo(input);
            held -= taken;
            await stream.WriteAsync(output.GetBuffer().AsMemory(0, (int)output.Length), context.RequestAborted);
        }
    }

    /// <summary>Does nothing, and holds no buffer while it does.</summary>
    private static async Task IdleAsync(HttpContext context)
    {
        using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
        await DrainAsync(socket, context.RequestAborted);
    }

    private static int? MaskedFrameLength(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 4)
        {
            return null;
        }

        int length = bytes[1] & 0x7F;
        return length < 126 ? 6 + length : 8 + ((bytes[2] << 8) | bytes[3]); // a load generator's frame is never larger than 64 KiB
    }

    private static async Task<Stream> UpgradeAsync(HttpContext context)
    {
        IHttpUpgradeFeature upgrade = context.Features.GetRequiredFeature<IHttpUpgradeFeature>();
        context.Response.Headers.Upgrade = "websocket";
        context.Response.Headers.SecWebSocketAccept = WebSocketFrames.Accept(context.Request.Headers.SecWebSocketKey!);
        return await upgrade.UpgradeAsync();
    }

    private static async Task DrainAsync(WebSocket socket, CancellationToken cancellationToken)
    {
        try
        {
            byte[] some = new byte[16];
            while ((await socket.ReceiveAsync(Memory<byte>.Empty, cancellationToken)).MessageType is not WebSocketMessageType.Close)
            {
                await socket.ReceiveAsync(some.AsMemory(), cancellationToken);
            }
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException)
        {
            // The client is gone.
        }
    }

    private static async Task DrainAsync(Stream stream, byte[] input, CancellationToken cancellationToken)
    {
        try
        {
            while (await stream.ReadAsync(input, cancellationToken) > 0)
            {
                // What a client still says does not matter.
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // The client is gone.
        }
    }

    private static int Number(HttpContext context, string name) => int.Parse(context.Request.Query[name]!, CultureInfo.InvariantCulture);

    private static int[] Sizes(HttpContext context) =>
        [.. context.Request.Query["sizes"].ToString().Split(',').Select(size => int.Parse(size, CultureInfo.InvariantCulture))];
}
