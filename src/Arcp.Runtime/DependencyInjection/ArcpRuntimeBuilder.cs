using System.Diagnostics.CodeAnalysis;
using Arcp.Runtime.Agents;
using Arcp.Runtime.Authentication;
using Arcp.Runtime.Configuration;
using Arcp.Runtime.Credentials;
using Arcp.Runtime.Jobs;
using Arcp.Runtime.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Arcp.Runtime.DependencyInjection;

/// <summary>Collects what a runtime is made of: agents, tokens, the host's own parts. <c>services.AddArcpRuntime()</c> gives one; without a container make one and <see cref="Build()"/>.</summary>
/// <remarks>Not thread-safe. Mistakes such as an agent that is registered twice are reported when the runtime is built.</remarks>
public sealed class ArcpRuntimeBuilder
{
    private readonly List<AgentDescriptor> _agents = [];
    private readonly List<(string Token, Principal Principal)> _tokens = [];
    private readonly ArcpRuntimeOptions _options = new();
    private IJobObservationPolicy _observationPolicy = new DenyOthers();
    private TimeProvider _timeProvider = TimeProvider.System;
    private ILoggerFactory _loggerFactory = NullLoggerFactory.Instance;
    private Func<IServiceProvider, IArcpAuthenticator>? _authenticator;
    private Func<IServiceProvider, ICredentialProvisioner>? _credentialProvisioner;
    private IRevocationStore? _revocationStore;
    private Func<IServiceProvider, IRuntimeStore>? _store;
    private Func<IServiceProvider, ISecretProtector>? _secretProtector;

    /// <summary>The host's services; null without a container.</summary>
    public IServiceCollection? Services { get; init; }

    /// <summary>The settings of a runtime that is built without a container.</summary>
    /// <exception cref="InvalidOperationException">There is a container: settings are given to <c>AddArcpRuntime</c>, or to <c>services.Configure&lt;ArcpRuntimeOptions&gt;()</c>.</exception>
    public ArcpRuntimeOptions Options => WithoutContainer(_options, "AddArcpRuntime(options => …) or services.Configure<ArcpRuntimeOptions>(…)");

    /// <summary>The clock of a runtime that is built without a container. With one, a registered <see cref="TimeProvider"/> is used.</summary>
    /// <exception cref="InvalidOperationException">There is a container.</exception>
    public TimeProvider TimeProvider
    {
        get => WithoutContainer(_timeProvider, "a TimeProvider among the services");
        set => _timeProvider = WithoutContainer(value, "a TimeProvider among the services");
    }

    /// <summary>The log of a runtime that is built without a container. With one, its <see cref="ILoggerFactory"/> is used.</summary>
    /// <exception cref="InvalidOperationException">There is a container.</exception>
    public ILoggerFactory LoggerFactory
    {
        get => WithoutContainer(_loggerFactory, "services.AddLogging(…)");
        set => _loggerFactory = WithoutContainer(value, "services.AddLogging(…)");
    }

    /// <summary>Accepts a bearer token (§6.1).</summary>
    /// <param name="token">The token; not blank. A secret.</param>
    /// <param name="principal">Whom it stands for; several tokens may stand for one.</param>
    public ArcpRuntimeBuilder AddBearerToken(string token, string principal)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(token);
        _tokens.Add((token, Principal.Named(principal)));
        return this;
    }

    /// <summary>Lets the host check bearer tokens itself. Tokens given by <see cref="AddBearerToken"/> are then not looked at.</summary>
    /// <param name="authenticator">Checks them.</param>
    public ArcpRuntimeBuilder UseAuthenticator(IArcpAuthenticator authenticator)
    {
        ArgumentNullException.ThrowIfNull(authenticator);
        _authenticator = _ => authenticator;
        return this;
    }

    /// <summary>Lets the host check bearer tokens itself, with a service of the container.</summary>
    /// <typeparam name="TAuthenticator">Checks them; made once.</typeparam>
    public ArcpRuntimeBuilder UseAuthenticator<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TAuthenticator>()
        where TAuthenticator : class, IArcpAuthenticator
    {
        _authenticator = services => ActivatorUtilities.GetServiceOrCreateInstance<TAuthenticator>(services);
        return this;
    }

    /// <summary>Decides who may watch whose jobs (§7.6). Without it nobody may watch another principal's.</summary>
    /// <param name="policy">Decides.</param>
    public ArcpRuntimeBuilder UseObservationPolicy(IJobObservationPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        _observationPolicy = policy;
        return this;
    }

    /// <summary>Lends credentials to jobs (§9.8). Needs a revocation store as well, or a durable store, which is one.</summary>
    /// <param name="provisioner">Issues and revokes them; used until the runtime has stopped, never disposed by it.</param>
    public ArcpRuntimeBuilder UseCredentialProvisioner(ICredentialProvisioner provisioner)
    {
        ArgumentNullException.ThrowIfNull(provisioner);
        _credentialProvisioner = _ => provisioner;
        return this;
    }

    /// <summary>Lends credentials to jobs (§9.8), by a service of the container. Needs a revocation store as well, or a durable store, which is one.</summary>
    /// <typeparam name="TProvisioner">Issues and revokes them; made once.</typeparam>
    public ArcpRuntimeBuilder UseCredentialProvisioner<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TProvisioner>()
        where TProvisioner : class, ICredentialProvisioner
    {
        _credentialProvisioner = services => ActivatorUtilities.GetServiceOrCreateInstance<TProvisioner>(services);
        return this;
    }

    /// <summary>Records the credentials that must still be revoked (§9.8), instead of the durable store when there is one.</summary>
    /// <param name="store">Records them; used until the runtime has stopped, never disposed by it.</param>
    public ArcpRuntimeBuilder UseRevocationStore(IRevocationStore store)
    {
        ArgumentNullException.ThrowIfNull(store);
        _revocationStore = store;
        return this;
    }

    /// <summary>Records the credentials that must still be revoked in memory: what is outstanding when the process dies is forgotten, and lives until it expires at its provider.</summary>
    public ArcpRuntimeBuilder UseInMemoryRevocationStore() => UseRevocationStore(new InMemoryRevocationStore());

    /// <summary>Keeps jobs, answers, sessions and outstanding credentials over the end of the process. Without it they live in memory.</summary>
    /// <param name="store">Makes the store, once; the runtime opens it when it starts and disposes it when it has stopped.</param>
    public ArcpRuntimeBuilder UseStore(Func<IServiceProvider, IRuntimeStore> store)
    {
        ArgumentNullException.ThrowIfNull(store);
        _store = store;
        return this;
    }

    /// <summary>Encrypts what a durable store keeps of credentials. Needed when there is a store as well as a credential provisioner.</summary>
    /// <param name="protector">Encrypts.</param>
    public ArcpRuntimeBuilder UseSecretProtector(ISecretProtector protector)
    {
        ArgumentNullException.ThrowIfNull(protector);
        return UseSecretProtector(_ => protector);
    }

    /// <summary>Encrypts what a durable store keeps of credentials, by a service of the container.</summary>
    /// <param name="protector">Makes what encrypts, once.</param>
    public ArcpRuntimeBuilder UseSecretProtector(Func<IServiceProvider, ISecretProtector> protector)
    {
        ArgumentNullException.ThrowIfNull(protector);
        _secretProtector = protector;
        return this;
    }

    /// <summary>Builds a runtime without a container.</summary>
    /// <exception cref="InvalidOperationException">A setting or an agent is wrong; the message says what is accepted.</exception>
    public ArcpRuntime Build() => Build(EmptyServices.Instance, Options, TimeProvider, LoggerFactory);

    internal ArcpRuntime Build(IServiceProvider services, ArcpRuntimeOptions options, TimeProvider clock, ILoggerFactory loggerFactory)
    {
        string[] errors = [.. options.FindErrors(), .. FindCredentialErrors()];
        if (errors.Length > 0)
        {
            throw new InvalidOperationException($"The runtime's options are wrong: {string.Join(" ", errors)}");
        }

        return new ArcpRuntime(new RuntimeSetup
        {
            Options = options,
            Clock = clock,
            LoggerFactory = loggerFactory,
            Services = services,
            Authenticator = _authenticator?.Invoke(services) ?? new StaticTokenAuthenticator(_tokens),
            ObservationPolicy = _observationPolicy,
            CredentialProvisioner = _credentialProvisioner?.Invoke(services),
            RevocationStore = _revocationStore,
            Store = _store?.Invoke(services),
            SecretProtector = _secretProtector?.Invoke(services),
            Agents = [.. _agents],
        });
    }

    internal ArcpRuntimeBuilder Add(string name, string version, bool isDefault, Func<JobScope, IAgent> create)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(version);
        if (!AgentReference.IsName(name))
        {
            throw new ArgumentException($"'{name}' is not an agent name; accepted is {AgentReference.NameRule}.", nameof(name));
        }

        if (!AgentReference.IsVersion(version))
        {
            throw new ArgumentException($"'{version}' is not an agent version; accepted is {AgentReference.VersionRule}.", nameof(version));
        }

        _agents.Add(new AgentDescriptor(name, version, isDefault, create));
        return this;
    }

    private IEnumerable<string> FindCredentialErrors() => (_credentialProvisioner, _revocationStore, _store) switch
    {
        (not null, null, null) => [$"A credential provisioner needs a revocation store: call {nameof(UseRevocationStore)} or {nameof(UseInMemoryRevocationStore)}, or use a durable store."],
        (null, not null, _) => [$"A revocation store is of no use without a credential provisioner: call {nameof(UseCredentialProvisioner)}."],
        (not null, _, not null) when _secretProtector is null => [$"A durable store keeps credentials encrypted only: call {nameof(UseSecretProtector)}, for example with an {nameof(AesGcmSecretProtector)} and a key of the host's."],
        _ => [],
    };

    // What would have no effect is refused: a host that believes in a setting which does not hold finds out too late.
    private T WithoutContainer<T>(T value, string instead) =>
        Services is null ? value : throw new InvalidOperationException($"With a container this has no effect; use {instead}.");

    private sealed class EmptyServices : IServiceProvider
    {
        public static EmptyServices Instance { get; } = new();

        public object? GetService(Type serviceType) => null;
    }
}
