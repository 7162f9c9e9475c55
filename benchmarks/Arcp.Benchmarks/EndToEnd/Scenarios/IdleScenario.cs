using Arcp.Benchmarks.Server;

namespace Arcp.Benchmarks.EndToEnd.Scenarios;

/// <summary>5,000 sessions that do nothing but answer heartbeats.</summary>
internal sealed class IdleScenario : IScenario
{
    private const int Sessions = 5_000;

    /// <summary>As long as a heartbeat interval: every session is pinged once in it.</summary>
    private static readonly TimeSpan Watched = TimeSpan.FromSeconds(30);

    /// <summary>Nothing happens on a bare WebSocket, at no interval.</summary>
    private static readonly TimeSpan WatchedRaw = TimeSpan.FromSeconds(10);

    /// <summary>How long after the connects the watch begins: the compiler compiles what a heartbeat runs once after the first ones and once more after the second ones.</summary>
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(75);

    /// <summary>The same where there are no heartbeats.</summary>
    private static readonly TimeSpan SettlingRaw = TimeSpan.FromSeconds(10);

    /// <summary>How often both sides are warmed up, and the pause behind each time: the compiler goes on only when nothing new has come for a while, and its memory is not the connections'.</summary>
    private const int WarmUps = 4;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    public string Name => "idle";

    public async Task<IReadOnlyList<Row>> RunAsync(int rounds)
    {
        Samples[][] measured = await Rounds.InterleaveManyAsync(rounds, warmUps: 0, MeasureSessionsAsync, MeasureRawAsync);
        return
        [
            new Row { Scenario = Name, Measure = $"resident B per session of {Sessions:N0}; per raw WebSocket; the difference is judged", Measured = measured[0][0], Baseline = measured[1][0], JudgedInstead = measured[0][0].Less(measured[1][0]), Target = Target.AtMost(4096) },
            new Row { Scenario = Name, Measure = "managed B per session; per raw WebSocket", Measured = measured[0][1], Baseline = measured[1][1] },
            new Row { Scenario = Name, Measure = "% of one core; raw WebSockets; the measured value is judged", Measured = measured[0][2], Baseline = measured[1][2], JudgedInstead = measured[0][2], Target = Target.AtMost(1) },
        ];
    }

    private static async Task<double[]> MeasureSessionsAsync()
    {
        await using ServerProcess server = await ServerProcess.StartAsync();
        using var over = new CancellationTokenSource();
        await WarmUpAsync(server.Address);
        ServerStatistics before = await server.GetStatisticsAsync(collect: true);
        LoadSession[] sessions = [.. Enumerable.Range(0, Sessions).Select(i => LoadSession.Open(server.Address, i, bufferSize: 1024))];
        Task[] readers = [.. sessions.Select(session => AnswerPingsAsync(session, over.Token))];
        ServerStatistics idle = await server.GetStatisticsAsync(collect: true);
        double cpu = await WatchAsync(server, Settling, Watched);
        await over.CancelAsync();
        await Task.WhenAll(readers);
        Array.ForEach(sessions, session => session.Dispose());
        return [.. PerConnection(before, idle), cpu];
    }

    private static async Task<double[]> MeasureRawAsync()
    {
        await using ServerProcess server = await ServerProcess.StartAsync();
        await WarmUpAsync(server.Address);
        ServerStatistics before = await server.GetStatisticsAsync(collect: true);
        RawSocketClient[] clients = [.. Enumerable.Range(0, Sessions).Select(_ => RawSocketClient.Connect(server.Address, "/raw/idle", bufferSize: 1024))];
        ServerStatistics idle = await server.GetStatisticsAsync(collect: true);
        double cpu = await WatchAsync(server, SettlingRaw, WatchedRaw);
        Array.ForEach(clients, client => client.Dispose());
        return [.. PerConnection(before, idle), cpu];
    }

    /// <returns>The server's processor time in percent of one core.</returns>
    private static async Task<double> WatchAsync(ServerProcess server, TimeSpan settling, TimeSpan watched)
    {
        await Task.Delay(settling, TimeProvider.System);
        ServerStatistics start = await server.GetStatisticsAsync();
        double seconds = await Rounds.TimeAsync(() => Task.Delay(watched, TimeProvider.System));
        return 100 * ((await server.GetStatisticsAsync()).CpuSeconds - start.CpuSeconds) / seconds;
    }

    // Both sides have loaded what they need before the first look.
    private static async Task WarmUpAsync(Uri server)
    {
        for (int round = 0; round < WarmUps; round++)
        {
            for (int i = 0; i < 100; i++)
            {
                LoadSession.Open(server, i, bufferSize: 1024).Dispose();
                RawSocketClient.Connect(server, "/raw/idle", bufferSize: 1024).Dispose();
            }

            await EchoLoad.FillAsync(server, 250);
            ExchangePings(server, 250);
            await Task.Delay(Pause, TimeProvider.System);
        }
    }

    private static void ExchangePings(Uri server, int count)
    {
        using LoadSession session = LoadSession.Open(server);
        for (int i = 0; i < count; i++)
        {
            session.Queue("session.ping", "{\"nonce\":\"n\"}");
            session.Flush();
            session.TakeControl();
        }
    }

    private static double[] PerConnection(ServerStatistics before, ServerStatistics after) =>
        [(after.Resident - before.Resident) / (double)Sessions, (after.Managed - before.Managed) / (double)Sessions];

    private static async Task AnswerPingsAsync(LoadSession session, CancellationToken over)
    {
        try
        {
            while (true)
            {
                await session.FillAsync(over);
                while (session.TryTake(out _) is not FrameKind.None)
                {
                    // Pings are answered in passing.
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The watch is over.
        }
    }
}
