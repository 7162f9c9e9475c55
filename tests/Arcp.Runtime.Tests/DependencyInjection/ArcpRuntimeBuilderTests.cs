using Arcp.Core;
using Arcp.Core.Transports;
using Arcp.Runtime.Agents;
using Arcp.Runtime.Authentication;
using Arcp.Runtime.DependencyInjection;
using Arcp.Runtime.Tests.Support;
using Microsoft.Extensions.Hosting;

namespace Arcp.Runtime.Tests.DependencyInjection;

public class ArcpRuntimeBuilderTests
{
    [Fact]
    public void An_agent_that_is_registered_twice_is_an_error_that_names_it()
    {
        ArcpRuntimeBuilder builder = Builder().AddAgent("a", "1", Nothing).AddAgent("b", "1", Nothing).AddAgent("a", "1", Nothing);

        FluentActions.Invoking(builder.Build).Should().Throw<InvalidOperationException>().WithMessage("*'a'*twice*");
    }

    [Fact]
    public void Two_defaults_are_an_error_that_names_the_agent()
    {
        ArcpRuntimeBuilder builder = Builder().AddAgent("a", "1", Nothing, isDefault: true).AddAgent("a", "2", Nothing, isDefault: true);

        FluentActions.Invoking(builder.Build).Should().Throw<InvalidOperationException>().WithMessage("*'a'*default*");
    }

    [Theory]
    [InlineData("", "1", "name")]
    [InlineData("A", "1", "name")]
    [InlineData("a@1", "1", "name")]
    [InlineData("a\n", "1", "name")]
    [InlineData("a", "", "version")]
    [InlineData("a", "1@2", "version")]
    [InlineData("a", "1 2", "version")]
    public void A_bad_name_or_version_is_refused_with_what_is_accepted(string name, string version, string parameter) =>
        FluentActions.Invoking(() => Builder().AddAgent(name, version, Nothing)).Should().Throw<ArgumentException>()
            .WithMessage("*accepted*").And.ParamName.Should().Be(parameter);

    [Fact]
    public void Blank_tokens_and_principals_are_refused()
    {
        FluentActions.Invoking(() => Builder().AddBearerToken(" ", "alice")).Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => Builder().AddBearerToken("t", " ")).Should().Throw<ArgumentException>();
    }

    [Fact]
    public void Settings_that_would_have_no_effect_beside_a_container_are_refused_with_what_to_use()
    {
        ArcpRuntimeBuilder builder = new ServiceCollection().AddArcpRuntime();

        builder.Invoking(b => b.Options.HeartbeatInterval = TimeSpan.FromSeconds(1)).Should().Throw<InvalidOperationException>().WithMessage("*Configure<ArcpRuntimeOptions>*");
        builder.Invoking(b => b.TimeProvider = new ManualClock()).Should().Throw<InvalidOperationException>().WithMessage("*TimeProvider*");
        builder.Invoking(b => b.LoggerFactory = new CapturedLogs()).Should().Throw<InvalidOperationException>().WithMessage("*AddLogging*");
        builder.Invoking(b => b.Build()).Should().Throw<InvalidOperationException>("the container builds it");
    }

    [Fact]
    public async Task A_scope_is_opened_for_those_who_ask_and_is_not_given_out_once_the_agent_has_returned()
    {
        JobContext? kept = null;
        var services = new ServiceCollection();
        services.AddSingleton<Disposals>();
        services.AddScoped<Scoped>();
        services.AddArcpRuntime().AddBearerToken("secret-a", "alice")
            .AddAgent("asks-twice", "1", (job, _) =>
            {
                job.Services.GetRequiredService<Scoped>().Should().BeSameAs(job.Services.GetRequiredService<Scoped>());
                return Task.FromResult<RawJson?>(null);
            })
            .AddAgent("asks-late", "1", (job, _) =>
            {
                kept = job;
                return Task.FromResult<RawJson?>(null);
            });
        await using ServiceProvider provider = services.BuildServiceProvider(validateScopes: true);
        ArcpRuntime runtime = provider.GetRequiredService<ArcpRuntime>();
        (InMemoryTransport near, InMemoryTransport far) = InMemoryTransport.CreatePair();
        Task running = runtime.RunConnectionAsync(far);
        await using var client = new WireClient(near);
        await client.HelloAsync();

        (await client.RunJobAsync("asks-twice"))[^1].Type.Should().Be("job.result");
        (await client.RunJobAsync("asks-late"))[^1].Type.Should().Be("job.result");
        await TestRuntime.UntilAsync(() => runtime.GetStatistics().RunningAgents == 0, "the agents' return");

        kept!.Invoking(job => job.Services).Should().Throw<ObjectDisposedException>();
        provider.GetRequiredService<Disposals>().Scoped.Should().Be(1);
        await client.DisposeAsync();
        await running;
    }

    [Fact]
    public async Task A_container_gives_one_runtime_and_each_job_its_own_scope_that_is_disposed_after_it()
    {
        var services = new ServiceCollection();
        services.AddSingleton<Disposals>();
        services.AddScoped<Scoped>();
        services.AddArcpRuntime(options => options.Name = "first").AddBearerToken("secret-a", "alice").AddAgent<ScopedAgent>("scoped", "1")
            .AddAgent("by-context", "1", (job, _) => Task.FromResult<RawJson?>(RawJson.Parse($"\"{job.Services.GetRequiredService<Scoped>().Id}\"")));
        await using ServiceProvider provider = services.BuildServiceProvider(validateScopes: true);
        ArcpRuntime runtime = provider.GetRequiredService<ArcpRuntime>();
        provider.GetRequiredService<ArcpRuntime>().Should().BeSameAs(runtime);
        (InMemoryTransport near, InMemoryTransport far) = InMemoryTransport.CreatePair();
        Task running = runtime.RunConnectionAsync(far);
        await using var client = new WireClient(near);
        WireFrame welcome = await client.HelloAsync();

        ((string?)welcome.Payload["runtime"]!["name"]).Should().Be("first");
        var ids = new HashSet<string>();
        foreach (string agent in new[] { "scoped", "scoped", "by-context", "by-context" })
        {
            WireFrame result = (await client.RunJobAsync(agent))[^1];
            result.Type.Should().Be("job.result", "in {0}", result.Text);
            ids.Add((string)result.Payload["result"]!).Should().BeTrue("each job has its own");
        }

        Disposals disposals = provider.GetRequiredService<Disposals>();
        disposals.Scoped.Should().Be(4);
        disposals.Agents.Should().Be(2);
        await client.DisposeAsync();
        await running;
    }

    [Fact]
    public async Task A_scope_is_disposed_also_when_the_agent_fails()
    {
        var services = new ServiceCollection();
        services.AddSingleton<Disposals>();
        services.AddScoped<Scoped>();
        services.AddArcpRuntime().AddBearerToken("secret-a", "alice").AddAgent<FailingAgent>("fails", "1").AddAgent<UnmakeableAgent>("unmakeable", "1");
        await using ServiceProvider provider = services.BuildServiceProvider(validateScopes: true);
        (InMemoryTransport near, InMemoryTransport far) = InMemoryTransport.CreatePair();
        Task running = provider.GetRequiredService<ArcpRuntime>().RunConnectionAsync(far);
        await using var client = new WireClient(near);
        await client.HelloAsync();

        (await client.RunJobAsync("fails"))[^1].Code.Should().Be("INTERNAL_ERROR");
        provider.GetRequiredService<Disposals>().Scoped.Should().Be(1);
        (await client.RunJobAsync("unmakeable"))[^1].Code.Should().Be("INTERNAL_ERROR");
        await client.DisposeAsync();
        await running;
    }

    [Fact]
    public async Task Adding_the_runtime_twice_adds_to_the_same_one()
    {
        var services = new ServiceCollection();
        services.AddSingleton<TimeProvider>(new ManualClock());
        ArcpRuntimeBuilder first = services.AddArcpRuntime(options => options.Name = "first");
        ArcpRuntimeBuilder second = services.AddArcpRuntime(options => options.Version = "9");
        first.AddBearerToken("secret-a", "alice");
        second.AddAgent("a", "1", Nothing);
        await using ServiceProvider provider = services.BuildServiceProvider();

        second.Should().BeSameAs(first);
        provider.GetServices<ArcpRuntime>().Should().ContainSingle();
        provider.GetServices<IHostedService>().Should().ContainSingle();
        (InMemoryTransport near, InMemoryTransport far) = InMemoryTransport.CreatePair();
        Task running = provider.GetRequiredService<ArcpRuntime>().RunConnectionAsync(far);
        await using var client = new WireClient(near);
        WireFrame welcome = await client.HelloAsync();
        welcome.Payload["runtime"]!.ToJsonString().Should().Be("""{"name":"first","version":"9"}""");
        ((string?)(await client.SubmitAsync("a")).Payload["accepted_at"]).Should().Be("2026-01-01T00:00:00.000Z", "the registered clock is used");
        await client.DisposeAsync();
        await running;
    }

    [Fact]
    public async Task A_wrong_setting_shows_when_the_host_starts()
    {
        var services = new ServiceCollection();
        services.AddArcpRuntime(options => options.MaxFrameBytes = 1);
        await using ServiceProvider provider = services.BuildServiceProvider();

        FluentActions.Invoking(() => provider.GetServices<IHostedService>().ToArray()).Should().Throw<InvalidOperationException>().WithMessage("*MaxFrameBytes*");
    }

    [Fact]
    public async Task The_hosts_own_authenticator_comes_from_the_container()
    {
        var services = new ServiceCollection();
        services.AddSingleton(new Disposals());
        services.AddArcpRuntime().UseAuthenticator<OwnAuthenticator>();
        await using ServiceProvider provider = services.BuildServiceProvider();
        (InMemoryTransport near, InMemoryTransport far) = InMemoryTransport.CreatePair();
        Task running = provider.GetRequiredService<ArcpRuntime>().RunConnectionAsync(far);
        await using var client = new WireClient(near);

        await client.HelloAsync("own-token");
        await client.DisposeAsync();
        await running;
    }

    [Fact]
    public async Task The_host_stops_the_runtime_before_its_servers()
    {
        var services = new ServiceCollection();
        services.AddArcpRuntime().AddBearerToken("secret-a", "alice");
        await using ServiceProvider provider = services.BuildServiceProvider();
        var lifecycle = (IHostedLifecycleService)provider.GetRequiredService<IHostedService>();
        (InMemoryTransport near, InMemoryTransport far) = InMemoryTransport.CreatePair();
        Task running = provider.GetRequiredService<ArcpRuntime>().RunConnectionAsync(far);
        await using var client = new WireClient(near);
        await client.HelloAsync();

        Task stopping = lifecycle.StoppingAsync(CancellationToken.None);

        await client.ExpectAsync("session.closed");
        await client.ExpectEndAsync();
        await client.DisposeAsync();
        await stopping;
        await running;
    }

    private static ArcpRuntimeBuilder Builder() => new();

    private static Task<RawJson?> Nothing(JobContext job, CancellationToken cancellationToken) => Task.FromResult<RawJson?>(null);

    public sealed class Disposals
    {
        public int Scoped { get; set; }

        public int Agents { get; set; }
    }

    public sealed class Scoped(Disposals disposals) : IAsyncDisposable
    {
        private static int _last;

        public int Id { get; } = Interlocked.Increment(ref _last);

        public bool IsDisposed { get; private set; }

        public ValueTask DisposeAsync()
        {
            IsDisposed = true;
            disposals.Scoped++;
            return ValueTask.CompletedTask;
        }
    }

    public sealed class ScopedAgent(Scoped scoped, Disposals disposals) : IAgent, IDisposable
    {
        public async Task<RawJson?> RunAsync(JobContext job, CancellationToken cancellationToken)
        {
            await Task.Yield();
            job.Services.GetRequiredService<Scoped>().Should().BeSameAs(scoped);
            return RawJson.Parse(scoped.IsDisposed ? "\"disposed too early\"" : $"\"{scoped.Id}\"");
        }

        public void Dispose()
        {
            scoped.IsDisposed.Should().BeFalse("the agent goes before what it uses");
            disposals.Agents++;
        }
    }

    public sealed class FailingAgent(Scoped scoped) : IAgent
    {
        public Task<RawJson?> RunAsync(JobContext job, CancellationToken cancellationToken) => throw new InvalidOperationException($"{scoped.Id}");
    }

    public sealed class UnmakeableAgent : IAgent
    {
        public UnmakeableAgent() => throw new InvalidOperationException("no");

        public Task<RawJson?> RunAsync(JobContext job, CancellationToken cancellationToken) => Task.FromResult<RawJson?>(null);
    }

    public sealed class OwnAuthenticator(Disposals fromTheContainer) : IArcpAuthenticator
    {
        public ValueTask<Principal?> AuthenticateAsync(string token, ConnectionContext connection, CancellationToken cancellationToken) =>
            ValueTask.FromResult(token == "own-token" && fromTheContainer is not null ? Principal.Named("own") : null);
    }
}
