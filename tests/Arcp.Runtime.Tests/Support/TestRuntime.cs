using System.Collections.Concurrent;
using Arcp.Core;
using Arcp.Core.Transports;
using Arcp.Runtime.Agents;
using Arcp.Runtime.Authentication;
using Arcp.Runtime.Configuration;
using Arcp.Runtime.DependencyInjection;
using Arcp.Runtime.Jobs;
using Arcp.Runtime.Sessions;

namespace Arcp.Runtime.Tests.Support;

/// <summary>The one place where tests build a runtime: two principals (tokens secret-a, secret-b), a few agents, in-memory connections.</summary>
public sealed class TestRuntime : IAsyncDisposable
{
    private readonly ConcurrentBag<Task> _connections = [];

    public TestRuntime(Action<ArcpRuntimeBuilder>? configure = null, TimeProvider? clock = null)
    {
        var builder = new ArcpRuntimeBuilder { TimeProvider = clock ?? TimeProvider.System, LoggerFactory = Logs };
        builder.Options.ShutdownGrace = TimeSpan.FromSeconds(1);
        builder.Options.BackPressureThreshold = 0; // no warnings among the numbers, but where they are the subject
        builder
            .AddBearerToken("secret-a", "alice")
            .AddBearerToken("secret-b", "bob")
            .AddAgent("echo", "1.0.0", (job, _) => Task.FromResult<RawJson?>(job.Input))
            .AddAgent("wait", "1.0.0", async (job, cancellationToken) =>
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
                return job.Input;
            })
            .AddAgent("count", "1.0.0", async (CountInput input, JobContext job, CancellationToken _) =>
            {
                for (int i = 1; i <= input.N; i++)
                {
                    await job.LogAsync($"tick {i}");
                }

                return new { count = input.N };
            });
        configure?.Invoke(builder);
        Runtime = builder.Build();
    }

    public ArcpRuntime Runtime { get; }

    public CapturedLogs Logs { get; } = new();

    /// <summary>The parts of a runtime with one principal (token secret-a), for tests that look inside.</summary>
    internal static SessionServices Compose(params AgentDescriptor[] agents) => new RuntimeSetup
    {
        Options = new ArcpRuntimeOptions(),
        Clock = TimeProvider.System,
        LoggerFactory = new CapturedLogs(),
        Services = new ServiceCollection().BuildServiceProvider(),
        Authenticator = new StaticTokenAuthenticator([("secret-a", Principal.Named("alice"))]),
        ObservationPolicy = new DenyOthers(),
        Agents = agents,
    }.Compose(out _);

    /// <summary>Opens a session with all features on the parts of a runtime, and waits for its connection's end when the client is done.</summary>
    internal static async Task ServeAsync(SessionServices services, Func<WireClient, Task> act)
    {
        (InMemoryTransport near, InMemoryTransport far) = InMemoryTransport.CreatePair();
        using var host = new ConnectionHost(services, static _ => Task.CompletedTask);
        Task connection = host.RunAsync(host.Add(far), ConnectionContext.Unknown, CancellationToken.None);
        await using (var client = new WireClient(near))
        {
            await client.HelloAsync("secret-a", LeaseRequests.Features);
            await act(client);
        }

        await connection.WaitAsync(WireClient.Patience, TimeProvider.System);
    }

    /// <summary>Opens a connection that has not said hello.</summary>
    public WireClient Connect(ConnectionContext? context = null, int capacity = 128, Func<ITransport, ITransport>? wrap = null)
    {
        (InMemoryTransport client, InMemoryTransport server) = InMemoryTransport.CreatePair(capacity);
        _connections.Add(Runtime.RunConnectionAsync(wrap?.Invoke(server) ?? server, context));
        return new WireClient(client);
    }

    /// <summary>Opens a session.</summary>
    public async Task<WireClient> OpenAsync(string token = "secret-a", params string[] features)
    {
        WireClient client = Connect();
        await client.HelloAsync(token, features.Length == 0 ? ["agent_versions", "progress", "subscribe", "ack", "list_jobs"] : features);
        return client;
    }

    /// <summary>Ends when something has become true; for what no frame tells.</summary>
    public static async Task UntilAsync(Func<bool> isTrue, string what)
    {
        long start = TimeProvider.System.GetTimestamp();
        while (!isTrue())
        {
            TimeProvider.System.GetElapsedTime(start).Should().BeLessThan(WireClient.Patience, "{0} was expected", what);
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System);
        }
    }

    /// <summary>Ends when all connections have.</summary>
    public Task ConnectionsEndedAsync() => Task.WhenAll(_connections).WaitAsync(WireClient.Patience, TimeProvider.System);

    public async ValueTask DisposeAsync()
    {
        await Runtime.StopAsync().WaitAsync(WireClient.Patience, TimeProvider.System);
        await ConnectionsEndedAsync();
    }

    private sealed record CountInput(int N);
}
