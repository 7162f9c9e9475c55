using System.Net.WebSockets;
using Arcp.Benchmarks.Server;
using Arcp.Client;
using Arcp.Core;
using Arcp.Core.Events;
using Arcp.Core.Messages;

namespace Arcp.Benchmarks.EndToEnd.Scenarios;

/// <summary>One job's events to <see cref="ArcpClient"/> and <c>await foreach</c>.</summary>
internal sealed class ClientStreamScenario : IScenario
{
    private const int Events = 400_000;
    private const int RawFrames = 2_000_000;

    public string Name => "stream-client";

    public async Task<IReadOnlyList<Row>> RunAsync(int rounds)
    {
        await using ServerProcess server = await ServerProcess.StartAsync();
        await using ServerProcess raw = await ServerProcess.StartAsync();
        int size = await Flood.MeasureFrameSizeAsync(server.Address);
        Samples[] measured = await Rounds.InterleaveAsync(
            rounds,
            () => MeasureAsync(server.Address),
            () => RawPush.MeasureAsync(raw.Address, RawPush.ManyPerWrite, RawFrames, size),
            () => MeasureBareAsync(raw.Address, size));
        return
        [
            new Row { Scenario = Name, Measure = $"events/s of {size} B; raw push, many per write", Measured = measured[0], Baseline = measured[1], Target = Target.AtLeast(0.25) },
            new Row { Scenario = Name, Measure = $"events/s of {size} B; raw push, many per write, to a bare ClientWebSocket", Measured = measured[0], Baseline = measured[2] },
            new Row { Scenario = Name, Measure = "a bare ClientWebSocket's frames/s; raw push, many per write", Measured = measured[2], Baseline = measured[1] },
        ];
    }

    // What .NET's own client WebSocket makes of the same frames when nobody looks at them.
    private static async Task<double> MeasureBareAsync(Uri server, int size)
    {
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(new UriBuilder(server) { Scheme = "ws", Path = RawPush.ManyPerWrite, Query = RawPush.Query(RawFrames, size) }.Uri, CancellationToken.None);
        Memory<byte> message = new byte[2 * size];
        double seconds = await Rounds.TimeAsync(async () =>
        {
            await socket.SendAsync("go"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
            for (int read = 0; read < RawFrames;)
            {
                read += (await socket.ReceiveAsync(message, CancellationToken.None)).EndOfMessage ? 1 : 0;
            }
        });
        return RawFrames / seconds;
    }

    private static async Task<double> MeasureAsync(Uri server)
    {
        await using ArcpClient client = await ArcpClient.ConnectAsync(new Uri(server, "/arcp"), new() { Token = BenchmarkServer.TokenOf(0) });
        int lines = 0;
        double seconds = await Rounds.TimeAsync(async () =>
        {
            await using JobHandle job = await client.SubmitAsync("flood", RawJson.Parse(Flood.Input(Events)));
            await foreach (JobEvent e in job.Events)
            {
                lines += e.Body is LogEvent ? 1 : 0;
            }
        });
        return lines == Events ? Events / seconds : throw new InvalidOperationException($"{Events - lines} events are missing.");
    }
}
