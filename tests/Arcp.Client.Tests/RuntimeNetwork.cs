using System.Collections.Concurrent;
using Arcp.Core.Transports;
using Arcp.Runtime;
using Arcp.Runtime.Agents;
using Arcp.Runtime.DependencyInjection;
using Microsoft.Extensions.DependencyInjection;

namespace Arcp.Client.Tests;

/// <summary>A real runtime, and connections to it that break where the test wants it.</summary>
internal sealed class RuntimeNetwork : IAsyncDisposable
{
    private readonly ConcurrentBag<Task> _connections = [];
    private volatile CuttingTransport? _last;

    public RuntimeNetwork(Action<ArcpRuntimeBuilder>? configure = null)
    {
        var builder = new ArcpRuntimeBuilder();
        builder.Options.ShutdownGrace = TimeSpan.FromMilliseconds(100);
        builder
            .AddBearerToken("secret", "alice")
            .AddAgent("count", "1.0.0", async (CountInput input, JobContext job, CancellationToken _) =>
            {
                for (int i = 1; i <= input.N; i++)
                {
                    await job.LogAsync($"{i}");
                    await Task.Yield();
                }

                return input.N;
            })
            .AddAgent("gated", "1.0.0", async (CountInput input, JobContext job, CancellationToken cancellationToken) =>
            {
                for (int i = 1; i <= input.N; i++)
                {
                    await job.ProgressAsync(i, total: input.N);
                }

                await Gate.Task.WaitAsync(cancellationToken);
                await job.LogAsync("last");
                return input.N;
            });
        configure?.Invoke(builder);
        Runtime = builder.Build();
    }

    public ArcpRuntime Runtime { get; }

    /// <summary>Holds back the agent <c>gated</c>.</summary>
    public TaskCompletionSource Gate { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>After how many frames, both ways together, the next connection breaks.</summary>
    public Func<int> NextCut { get; set; } = () => int.MaxValue;

    /// <summary>What a connection waits for before it is made.</summary>
    public Func<Task> BeforeDial { get; set; } = () => Task.CompletedTask;

    public async ValueTask<ITransport> DialAsync(CancellationToken cancellationToken)
    {
        await BeforeDial();
        (InMemoryTransport near, InMemoryTransport far) = InMemoryTransport.CreatePair(capacity: 64);
        _connections.Add(Runtime.RunConnectionAsync(far, cancellationToken: CancellationToken.None));
        return _last = new CuttingTransport(near, NextCut());
    }

    /// <summary>A connection that <see cref="CutAsync"/> does not break.</summary>
    public ValueTask<ITransport> DialApartAsync(CancellationToken cancellationToken)
    {
        (InMemoryTransport near, InMemoryTransport far) = InMemoryTransport.CreatePair(capacity: 64);
        _connections.Add(Runtime.RunConnectionAsync(far, cancellationToken: CancellationToken.None));
        return ValueTask.FromResult<ITransport>(near);
    }

    public Task<ArcpClient> ConnectAsync(ArcpClientOptions? options = null) => ArcpClient.ConnectAsync(DialAsync, options ?? ScriptedNetwork.Options()).Soon();

    /// <summary>Breaks the connection.</summary>
    public ValueTask CutAsync() => _last!.DisposeAsync();

    public async ValueTask DisposeAsync()
    {
        Gate.TrySetResult();
        await Runtime.StopAsync().Soon();
        await Task.WhenAll(_connections).Soon();
    }
}

internal sealed record CountInput(int N);

/// <summary>Breaks after some frames.</summary>
internal sealed class CuttingTransport(ITransport inner, int frames) : ITransport
{
    private int _left = frames;

    public async ValueTask<FrameReadStatus> ReadAsync(FrameBuffer frame, CancellationToken cancellationToken)
    {
        FrameReadStatus status = await inner.ReadAsync(frame, cancellationToken);
        await CountAsync();
        return status;
    }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> frame, CancellationToken cancellationToken)
    {
        await CountAsync();
        await inner.WriteAsync(frame, cancellationToken);
    }

    public ValueTask FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    public ValueTask CloseAsync(CancellationToken cancellationToken) => inner.CloseAsync(cancellationToken);

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private async ValueTask CountAsync()
    {
        if (Interlocked.Decrement(ref _left) < 0)
        {
            await inner.DisposeAsync();
            throw new TransportException("cut");
        }
    }
}
