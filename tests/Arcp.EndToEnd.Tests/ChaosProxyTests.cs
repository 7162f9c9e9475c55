using System.Collections.Concurrent;
using System.Globalization;
using Arcp.AspNetCore.Tests.Support;
using Arcp.Client;
using Arcp.Core.Events;
using Arcp.Core.Messages;
using Arcp.EndToEnd.Tests.Support;
using Arcp.Runtime.Agents;
using Arcp.Runtime.Configuration;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Xunit.Abstractions;

namespace Arcp.EndToEnd.Tests;

/// <summary>Client and runtime over real sockets and a network that does its worst. Set <c>ARCP_CHAOS_SEED</c> to have the faults of an earlier run again.</summary>
[Trait("Section", "6.3")]
[Collection(nameof(Alone))]
public sealed class ChaosProxyTests(ITestOutputHelper output)
{
    private const int Rounds = 200;
    private const int RoundsAtATime = 20;
    private const int JobsPerRound = 20;
    private const int FaultsPerRound = 6;

    private static readonly TimeSpan RoundLimit = TimeSpan.FromSeconds(90);

    // Shorter than the default for what ends a connection that says nothing; all of it over a real clock, because sockets have one.
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(2);

    private readonly int _seed = Environment.GetEnvironmentVariable("ARCP_CHAOS_SEED") is { Length: > 0 } seed
        ? int.Parse(seed, CultureInfo.InvariantCulture)
        : Environment.TickCount;

    private readonly ConcurrentDictionary<string, int> _faults = new();
    private readonly ConcurrentDictionary<string, int> _runs = new();
    private int _connections;

    [Fact]
    public async Task Whatever_the_network_does_every_handle_gets_its_result_and_its_events_once_and_in_order()
    {
        output.WriteLine($"seed {_seed}");
        await using TestHost host = await StartHostAsync();
        long start = TimeProvider.System.GetTimestamp();
        await Parallel.ForEachAsync(Enumerable.Range(0, Rounds), new ParallelOptions { MaxDegreeOfParallelism = RoundsAtATime }, async (round, _) =>
        {
            try
            {
                await RunRoundAsync(host, round).WaitAsync(RoundLimit, TimeProvider.System, CancellationToken.None);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"Seed {_seed}, round {round}: {e.Message}", e);
            }
        });

        output.WriteLine($"{Rounds} rounds of {JobsPerRound} jobs in {TimeProvider.System.GetElapsedTime(start).TotalSeconds:F0} s over {_connections} connections");
        foreach ((string name, int count) in _faults.OrderBy(fault => fault.Key))
        {
            output.WriteLine($"{name}: {count}");
        }

        _runs.Should().HaveCount(Rounds * JobsPerRound, "each job ran (seed {0})", _seed).And.OnlyContain(run => run.Value == 1, "and none twice");
        _faults.Keys.Should().BeEquivalentTo(Fault.AllNames, "each fault really happened, and the network did nothing else (seed {0})", _seed);
        await host.NoConnectionsAsync();
        await host.StopAsync();
        host.Runtime.GetStatistics().Should().BeEquivalentTo(
            new { Connections = 0, Sessions = 0, Jobs = 0, RunningJobs = 0, RunningAgents = 0, BufferedBytes = 0L, PendingDeadlines = 0 },
            "nothing is left (seed {0})", _seed);
    }

    private async Task RunRoundAsync(TestHost host, int round)
    {
        int seed = unchecked((_seed * 397) ^ round);
        var faults = new Random(seed);
        var sizes = new Random(~seed);
        int connections = 0;

        // The first connection of each round in turn has each fault there is, so that all of them come to pass; the others have what chance wants.
        await using var proxy = new ChaosProxy(
            host.Endpoint,
            () => connections++ switch
            {
                0 => Fault.Of(round, faults),
                < FaultsPerRound => Fault.Of(faults.Next(), faults),
                _ => Fault.None,
            },
            fault => _faults.AddOrUpdate(fault.Name, 1, static (_, count) => count + 1));
        ArcpClient client = await ConnectAsync(proxy.Endpoint);
        int[] eventCounts = [.. Enumerable.Range(0, JobsPerRound).Select(_ => sizes.Next(5, 41))];
        await Task.WhenAll(eventCounts.Select((events, i) => CheckJobAsync(client, $"{round}-{i}", events)));
        await client.DisposeAsync();
        await Patience.UntilAsync(() => proxy.OpenConnections == 0, "both ends have closed all their sockets");
        Interlocked.Add(ref _connections, connections);
    }

    private Task<TestHost> StartHostAsync() => TestHost.StartAsync(
        runtime: builder => builder.AddAgent("count", "1.0.0", (CountInput input, JobContext job, CancellationToken _) => CountAsync(input, job)),
        services: builder =>
        {
            builder.WebHost.ConfigureKestrel(kestrel => (kestrel.Limits.RequestHeadersTimeout, kestrel.Limits.KeepAliveTimeout) = (Short, Short));
            builder.Services.Configure<ArcpRuntimeOptions>(options =>
            {
                options.HandshakeTimeout = Short;
                options.HeartbeatInterval = TimeSpan.FromMilliseconds(300);
                options.MaxSessionsPerPrincipal = Rounds * (FaultsPerRound + 2);
            });
        });

    private async Task<int> CountAsync(CountInput input, JobContext job)
    {
        _runs.AddOrUpdate(input.Key, 1, static (_, count) => count + 1);
        for (int i = 1; i <= input.N; i++)
        {
            await job.LogAsync($"{i}");
            await Task.Yield();
        }

        return input.N;
    }

    // The very first handshake is the application's to repeat.
    private static async Task<ArcpClient> ConnectAsync(Uri endpoint)
    {
        while (true)
        {
            try
            {
                return await ArcpClient.ConnectAsync(endpoint, new ArcpClientOptions
                {
                    Token = "secret-a",
                    HandshakeTimeout = Short,
                    CloseTimeout = TimeSpan.FromMilliseconds(500),
                    Reconnect = new ReconnectOptions { InitialDelay = TimeSpan.FromMilliseconds(10), MaxDelay = TimeSpan.FromMilliseconds(100) },
                });
            }
            catch (ArcpConnectionException)
            {
            }
        }
    }

    private static async Task CheckJobAsync(ArcpClient client, string key, int events)
    {
        await using JobHandle job = await client.SubmitAsync("count", new CountInput(key, events), new SubmitOptions { IdempotencyKey = key });
        var messages = new List<string>();
        await foreach (JobEvent entry in job.Events)
        {
            if (entry.Body is LogEvent log)
            {
                messages.Add(log.Message);
            }
        }

        messages.Should().Equal(Enumerable.Range(1, events).Select(i => $"{i}"), "those are the events of job {0}", key);
        (await job.GetResultAsync<int>()).Should().Be(events);
    }

    private sealed record CountInput(string Key, int N);
}
