using Arcp.Runtime.DependencyInjection;
using Arcp.Runtime.Storage;
using Arcp.Runtime.Tests.Support;

namespace Arcp.Runtime.Tests.Storage;

/// <summary>A runtime over a store that outlives it. Killing the runtime leaves what was committed and nothing else.</summary>
internal sealed class DurableHost(Action<ArcpRuntimeBuilder>? configure = null, TimeProvider? clock = null, InMemoryRuntimeStore? kept = null) : IAsyncDisposable
{
    private readonly List<TestRuntime> _killed = [];
    private Life? _life;

    /// <summary>What outlives the runtimes.</summary>
    public InMemoryRuntimeStore Kept { get; } = kept ?? new InMemoryRuntimeStore();

    /// <summary>The runtime that is alive.</summary>
    public TestRuntime Host => _life!.Runtime;

    /// <summary>Its store.</summary>
    public ScriptedRuntimeStore Store => _life!.Store;

    public static async Task<DurableHost> CreateAsync(Action<ArcpRuntimeBuilder>? configure = null, TimeProvider? clock = null)
    {
        var host = new DurableHost(configure, clock);
        await host.StartAsync();
        return host;
    }

    /// <summary>Starts a runtime on what was kept.</summary>
    public async Task StartAsync(Action<ScriptedRuntimeStore>? script = null)
    {
        var mortal = new MortalStore(Kept);
        var store = new ScriptedRuntimeStore(mortal);
        script?.Invoke(store);
        var runtime = new TestRuntime(
            builder =>
            {
                builder.UseStore(_ => store);
                configure?.Invoke(builder);
            },
            clock);
        _life = new Life(runtime, store, mortal);
        await runtime.Runtime.StartAsync().WaitAsync(WireClient.Patience, TimeProvider.System);
    }

    /// <summary>The process dies: nothing more is committed. What of it still runs talks to nobody.</summary>
    public async Task KillAsync()
    {
        await _life!.Mortal.KillAsync();
        _killed.Add(_life.Runtime);
        _life = null;
    }

    /// <summary>Kills the runtime and starts another on what was kept.</summary>
    public async Task RestartAsync()
    {
        await KillAsync();
        await StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        Task stopped = Task.WhenAll(_killed.Append(_life?.Runtime).OfType<TestRuntime>().Select(runtime => runtime.DisposeAsync().AsTask()));
        if (clock is ManualClock manual)
        {
            // What was killed goes on trying to commit until its grace is over.
            await TestRuntime.UntilAsync(
                () =>
                {
                    manual.Advance(TimeSpan.FromSeconds(1));
                    return stopped.IsCompleted;
                },
                "all have stopped");
        }

        await stopped;
    }

    private sealed record Life(TestRuntime Runtime, ScriptedRuntimeStore Store, MortalStore Mortal);
}
