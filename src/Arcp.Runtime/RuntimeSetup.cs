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

    /// <summary>Null = jobs get no credentials. Never without a <see cref="RevocationStore"/> or a <see cref="Store"/>, nor the former without it.</summary>
    public ICredentialProvisioner? CredentialProvisioner { get; init; }

    public IRevocationStore? RevocationStore { get; init; }

    /// <summary>Null = all lives in memory.</summary>
    public IRuntimeStore? Store { get; init; }

    /// <summary>Never null when there are a store and a provisioner.</summary>
    public ISecretProtector? SecretProtector { get; init; }

    public required IReadOnlyList<AgentDescriptor> Agents { get; init; }

    /// <summary>Puts the parts together.</summary>
    /// <param name="recovery">Recovers what an earlier run has left, before the first session; null = there is no store.</param>
    public SessionServices Compose(out RuntimeRecovery? recovery)
    {
        ILogger logger = LoggerFactory.CreateLogger("Arcp.Runtime");
        var deadlines = new DeadlineQueue(Clock);
        var settlement = new JobSettlement(Options, Clock, logger);
        var secrets = new SecretBox(SecretProtector);
        Journal? journal = Store is null ? null : new Journal(Store, Options.Storage, Clock, logger);
        JobStore? jobStore = journal is null ? null : new JobStore(journal, secrets);
        var jobs = new JobRegistry(Options, settlement, jobStore, deadlines, Clock, logger);
        JournaledRevocationStore? revocations = journal is null || CredentialProvisioner is null || RevocationStore is not null ? null : new JournaledRevocationStore(journal, secrets, Clock);
        CredentialBroker? broker = CredentialProvisioner is { } provisioner
            ? new CredentialBroker(provisioner, RevocationStore ?? revocations!, Options.Credentials, Clock, logger)
            : null;
        recovery = Store is null ? null : new RuntimeRecovery(Store, journal!, jobStore!, revocations);
        var factory = new JobFactory(jobs, broker, jobStore);
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
            Idempotency = new IdempotencyStore(deadlines, Clock, Options.IdempotencyLifetime, jobId => jobs.TryFind(jobId, out _), journal),
            Journal = journal,
            SessionFactory = new SessionFactory(Options, journal, Clock),
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
