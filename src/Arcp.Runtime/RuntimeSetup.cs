using Arcp.Runtime.Agents;
using Arcp.Runtime.Authentication;
using Arcp.Runtime.Configuration;
using Arcp.Runtime.Credentials;
using Arcp.Runtime.Idempotency;
using Arcp.Runtime.Jobs;
using Arcp.Runtime.Sessions;
using Arcp.Runtime.Storage;
using Arcp.Runtime.Time;
using Microsoft.Extensions.Logging;

namespace Arcp.Runtime;

/// <summary>All that a runtime is made of, checked.</summary>
internal sealed record RuntimeSetup
{
    public required ArcpRuntimeOptions Options { get; init; }

    public required TimeProvider Clock { get; init; }

    public required ILoggerFactory LoggerFactory { get; init; }

    public required IServiceProvider Services { get; init; }

    public required IArcpAuthenticator Authenticator { get; init; }

    public required IJobObservationPolicy ObservationPolicy { get; init; }

    /// <summary>Null = jobs get no credentials. Never without a <see cref="RevocationStore"/>, nor that without it.</summary>
    public ICredentialProvisioner? CredentialProvisioner { get; init; }

    public IRevocationStore? RevocationStore { get; init; }

    /// <summary>Null = all lives in memory.</summary>
    public IRuntimeStore? Store { get; init; }

    /// <summary>Never null when there are a store and a provisioner.</summary>
    public ISecretProtector? SecretProtector { get; init; }

    public required IReadOnlyList<AgentDescriptor> Agents { get; init; }

    /// <summary>Where answers to submits are kept; null = in memory.</summary>
    public IIdempotencyStore? Idempotency { get; init; }

    /// <summary>Puts the parts together.</summary>
    public SessionServices Compose()
    {
        ILogger logger = LoggerFactory.CreateLogger("Arcp.Runtime");
        var deadlines = new DeadlineQueue(Clock);
        var settlement = new JobSettlement(Options, Clock, logger);
        var jobs = new JobRegistry(Options, settlement, deadlines, Clock, logger);
        CredentialBroker? broker = CredentialProvisioner is { } provisioner ? new CredentialBroker(provisioner, RevocationStore!, Options.Credentials, Clock, logger) : null;
        var factory = new JobFactory(jobs, broker);
        var runner = new JobRunner(jobs, settlement, deadlines, Clock, logger);
        var agents = new AgentRegistry(Agents);
        var sessions = new SessionRegistry(Options, deadlines, logger);
        return new SessionServices
        {
            Options = Options,
            Clock = Clock,
            Deadlines = deadlines,
            Logger = logger,
            Authenticator = Authenticator,
            ObservationPolicy = ObservationPolicy,
            Idempotency = Idempotency ?? new InMemoryIdempotencyStore(deadlines, Options.IdempotencyLifetime, jobId => jobs.TryFind(jobId, out _)),
            Agents = agents,
            AgentEnvironment = new AgentEnvironment
            {
                Services = Services,
                Options = Options,
                Clock = Clock,
                Deadlines = deadlines,
                Logger = logger,
                Agents = agents,
                JobFactory = factory,
                Runner = runner,
                Audience = new SubmitterAudience(sessions),
            },
            Jobs = jobs,
            JobFactory = factory,
            Broker = broker,
            Runner = runner,
            Sessions = sessions,
        };
    }
}
