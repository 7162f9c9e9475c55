using System.Security.Cryptography;
using Arcp.Runtime.Agents;
using Arcp.Runtime.Authentication;
using Arcp.Runtime.Configuration;
using Arcp.Runtime.Credentials;
using Arcp.Runtime.Idempotency;
using Arcp.Runtime.Jobs;
using Arcp.Runtime.Storage;
using Arcp.Runtime.Time;
using Microsoft.Extensions.Logging;

namespace Arcp.Runtime.Sessions;

/// <summary>What all sessions of a runtime share.</summary>
internal sealed record SessionServices
{
    public required ArcpRuntimeOptions Options { get; init; }

    public required TimeProvider Clock { get; init; }

    public required DeadlineQueue Deadlines { get; init; }

    public required ILogger Logger { get; init; }

    public required IArcpAuthenticator Authenticator { get; init; }

    public required AgentRegistry Agents { get; init; }

    public required AgentEnvironment AgentEnvironment { get; init; }

    public required JobRegistry Jobs { get; init; }

    public required JobFactory JobFactory { get; init; }

    /// <summary>Lends credentials to jobs (§9.8); null = there are none to lend.</summary>
    public required CredentialBroker? Broker { get; init; }

    public required JobRunner Runner { get; init; }

    public required IJobObservationPolicy ObservationPolicy { get; init; }

    public required IdempotencyStore Idempotency { get; init; }

    /// <summary>Seals the cursors of listings. Set before the first session is opened, when an earlier run has left one.</summary>
    public byte[] CursorKey { get; set; } = RandomNumberGenerator.GetBytes(32);

    public required SessionRegistry Sessions { get; init; }

    public required SessionFactory SessionFactory { get; init; }

    /// <summary>Commits what is kept over the end of the process; null = nothing is.</summary>
    public required Journal? Journal { get; init; }
}
