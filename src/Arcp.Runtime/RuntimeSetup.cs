using Arcp.Runtime.Agents;
using Arcp.Runtime.Authentication;
using Arcp.Runtime.Configuration;
using Arcp.Runtime.Credentials;
using Arcp.Runtime.Jobs;
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

    public required IReadOnlyList<AgentDescriptor> Agents { get; init; }
}
