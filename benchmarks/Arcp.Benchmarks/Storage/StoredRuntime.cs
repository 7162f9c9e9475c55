using System.Buffers.Text;
using System.Text;
using Arcp.Benchmarks.Micro;
using Arcp.Benchmarks.Server;
using Arcp.Core.Transports;
using Arcp.Runtime;
using Arcp.Runtime.DependencyInjection;
using Arcp.Storage.Sqlite;

namespace Arcp.Benchmarks.Storage;

/// <summary>A runtime with a store or without, and one session of it in the same process.</summary>
internal sealed class StoredRuntime : IAsyncDisposable
{
    private const int AckEvery = 256;
    private const int Outstanding = 64;

    private readonly ArcpRuntime _runtime;
    private readonly ITransport _transport;
    private readonly FrameBuffer _frame = new(16 * 1024 * 1024);

    private StoredRuntime(ArcpRuntime runtime)
    {
        _runtime = runtime;
        _transport = runtime.ConnectInProcess();
    }

    public int Jobs => _runtime.GetStatistics().Jobs;

    /// <summary>Starts it; what a file holds is there then.</summary>
    /// <param name="path">The store's file; null = none.</param>
    /// <param name="synchronous">What its commits survive.</param>
    public static async Task<StoredRuntime> StartAsync(string? path, SqliteSynchronous synchronous)
    {
        var builder = new ArcpRuntimeBuilder();
        builder.AddBearerToken("token", "principal");
        builder.Options.TerminalRetention = TimeSpan.FromDays(1);
        BenchmarkAgents.AddAll(builder, new StartGate());
        if (path is not null)
        {
            builder.UseSqliteStore($"Data Source={path}", options => options.Synchronous = synchronous);
        }

        ArcpRuntime runtime = builder.Build();
        await runtime.StartAsync();
        var started = new StoredRuntime(runtime);
        await started.SendAsync("session.hello", """{"auth":{"scheme":"bearer","token":"token"},"capabilities":{"features":["ack"]}}""");
        await started.ReadAsync();
        return started;
    }

    /// <summary>Runs one job that emits events as fast as it may.</summary>
    /// <returns>Events per second, until the last one was read.</returns>
    public async Task<double> FloodAsync(int events, int lineBytes)
    {
        long start = TimeProvider.System.GetTimestamp();
        await SendAsync("job.submit", $$"""{"agent":"flood","input":{"Events":{{events}},"Bytes":{{lineBytes}} } }""");
        await ReadUntilEndedAsync(1);
        return events / TimeProvider.System.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>Runs small jobs to their ends.</summary>
    public async Task EchoAsync(int jobs)
    {
        for (int done = 0; done < jobs; done += Outstanding)
        {
            int now = Math.Min(Outstanding, jobs - done);
            for (int i = 0; i < now; i++)
            {
                await SendAsync("job.submit", """{"agent":"echo","input":{"text":"hello"}}""");
            }

            await ReadUntilEndedAsync(now);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _transport.DisposeAsync();
        await _runtime.DisposeAsync();
        _frame.Dispose();
    }

    private async Task ReadUntilEndedAsync(int jobs)
    {
        int unacknowledged = 0;
        while (jobs > 0)
        {
            await ReadAsync();
            if (_frame.WrittenSpan.IndexOf("\"type\":\"job.result\""u8) >= 0)
            {
                jobs--;
            }

            int at = _frame.WrittenSpan.IndexOf("\"event_seq\":"u8);
            if (at >= 0 && ++unacknowledged == AckEvery)
            {
                unacknowledged = 0;
                _ = Utf8Parser.TryParse(_frame.WrittenSpan[(at + "\"event_seq\":".Length)..], out long seq, out _);
                await SendAsync("session.ack", $$"""{"last_processed_seq":{{seq}}}""");
            }
        }
    }

    private async Task SendAsync(string type, string payload)
    {
        await _transport.WriteAsync(InProcessSession.Bytes(type, payload), CancellationToken.None);
        await _transport.FlushAsync(CancellationToken.None);
    }

    private async Task ReadAsync()
    {
        if (await _transport.ReadAsync(_frame, CancellationToken.None) is not FrameReadStatus.Frame || _frame.WrittenSpan.IndexOf("\"type\":\"session.error\""u8) >= 0)
        {
            throw new InvalidOperationException($"The runtime has refused: {Encoding.UTF8.GetString(_frame.WrittenSpan)}");
        }
    }
}
