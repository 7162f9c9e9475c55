using System.Reflection;
using System.Text.Json;
using Arcp.Core;

namespace Arcp.Runtime.Configuration;

/// <summary>The settings of a runtime (§14). They are read once, when the runtime is built, and validated then.</summary>
public sealed class ArcpRuntimeOptions
{
    /// <summary>The timers behind these waits take 49 days at most; nobody means more than a day.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromHours(24);

    /// <summary>The name told to clients (§6.2). Default <c>arcp-dotnet</c>; not empty.</summary>
    public string Name { get; set; } = "arcp-dotnet";

    /// <summary>The version told to clients (§6.2). Default: this package's version; not empty.</summary>
    public string Version { get; set; } = DefaultVersion();

    /// <summary>How the JSON of agents' typed inputs and results looks, where no contract is given. Null (the default) = <see cref="JsonSerializerOptions.Web"/>.</summary>
    public JsonSerializerOptions? JsonSerializerOptions { get; set; }

    /// <summary>Whether sessions without credentials are allowed (§6.1). Default false.</summary>
    public bool AllowAnonymous { get; set; }

    /// <summary>The largest frame that is accepted, in bytes (§4). Default 4 MiB; 1 KiB to 1 GiB.</summary>
    public int MaxFrameBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>How long a connection may take to say hello (§6.2). Default 10 s; greater than 0, at most 24 hours.</summary>
    public TimeSpan HandshakeTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>After how long without traffic a session is pinged; after twice that without a sign of life its connection ends (§6.4). Default 30 s; greater than 0. Clients are told no less than 1 s; a shorter interval works all the same, because every ping is answered.</summary>
    public TimeSpan HeartbeatInterval { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long after a disconnect a session can be resumed (§6.3). Default 600 s; 0 or more.</summary>
    public TimeSpan ResumeWindow { get; set; } = TimeSpan.FromSeconds(600);

    /// <summary>How long a job that has ended stays listed and can be subscribed to (§6.6). Null = as long as <see cref="ResumeWindow"/>; 0 or more.</summary>
    public TimeSpan? TerminalRetention { get; set; }

    /// <summary>How long an agent whose job is cancelled may wind down and still emit, before the terminal frame (§7.4, §14). Default 0: the job ends at once; at most 24 hours.</summary>
    public TimeSpan CancelGrace { get; set; } = TimeSpan.Zero;

    /// <summary>How long jobs may wind down when the runtime stops. Default 5 s; 0 to 24 hours.</summary>
    public TimeSpan ShutdownGrace { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How refused requests are answered (§12). Default <see cref="RejectionFrames.Both"/>.</summary>
    public RejectionFrames RejectionFrames { get; set; } = RejectionFrames.Both;

    /// <summary>How many connections may wait for their welcome at once (§14). Default 1,000; at least 1.</summary>
    public int MaxUnwelcomedConnections { get; set; } = 1_000;

    /// <summary>How many sessions a principal may have (§14). Default 1,000; at least 1.</summary>
    public int MaxSessionsPerPrincipal { get; set; } = 1_000;

    /// <summary>How many jobs a principal may have at work at once (§14). Default 1,000; at least 1.</summary>
    public int MaxRunningJobsPerPrincipal { get; set; } = 1_000;

    /// <summary>How many subscriptions a session may have at once (§14). Default 1,000; at least 1.</summary>
    public int MaxSubscriptionsPerSession { get; set; } = 1_000;

    /// <summary>How long an idempotency key is remembered (§7.2), and longer while its job is known. Default 24 h, which is also the least.</summary>
    public TimeSpan IdempotencyLifetime { get; set; } = TimeSpan.FromHours(24);

    /// <summary>How many events of one job are held in memory before the oldest go (§14); a durable store still has those. Default 100,000; at least 1.</summary>
    public int MaxLogEventsPerJob { get; set; } = 100_000;

    /// <summary>How many bytes of one job's events are held in memory before the oldest go (§14); a durable store still has those. Default 32 MiB; at least 1.</summary>
    public long MaxLogBytesPerJob { get; set; } = 32L * 1024 * 1024;

    /// <summary>How many bytes of events are held in memory over all jobs (§14). Default 1 GiB; at least 1.</summary>
    public long MaxLogBytes { get; set; } = 1024L * 1024 * 1024;

    /// <summary>How long a connected submitter that reads nothing may hold its agent back, once the job's log is full, before its connection is closed. Default 30 s; greater than 0.</summary>
    public TimeSpan MaxStall { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How many frames a client may leave unacknowledged before it is told of back-pressure (§6.5). Default 1,000; 0 = never.</summary>
    public int BackPressureThreshold { get; set; } = 1_000;

    /// <summary>How many frames that were sent and not acknowledged a session can replay (§14). Default 10,000; at least 1.</summary>
    public int MaxHeldFramesPerSession { get; set; } = 10_000;

    /// <summary>How many bytes of such frames (§14). Default 16 MiB; at least 1.</summary>
    public long MaxHeldBytesPerSession { get; set; } = 16L * 1024 * 1024;

    /// <summary>How credentials are lent to jobs and taken back (§9.8); not null.</summary>
    public CredentialOptions Credentials { get; set; } = new();

    /// <summary>How a durable store is used; not null.</summary>
    public StorageOptions Storage { get; set; } = new();

    /// <summary>Whether a job whose lease does not name <c>model.use</c> may use every model (§9.7). Default false: what a lease does not name is denied.</summary>
    public bool AllowUnlistedModels { get; set; }

    /// <summary>Whether a job ends with <c>BUDGET_EXHAUSTED</c> as soon as an operation is denied for that reason (§9.6). Default false: the agent is told and may wind up.</summary>
    public bool EndOnBudgetExhaustion { get; set; }

    /// <summary>Turns exceptions of agents and tools into what clients are told, for example an upstream's refusal into <c>BUDGET_EXHAUSTED</c>. Null, or a null result (the default): what <see cref="Arcp.Runtime.Credentials.UpstreamErrors"/> recognises is told so, and of anything else clients are told <c>INTERNAL_ERROR</c> and no more (§12). Called by any thread; must not throw.</summary>
    public Func<Exception, ArcpException?>? TranslateException { get; set; }

    /// <summary>How many delegations may lead to a job, one below the other (§10). Default 8; 0 = jobs may not delegate.</summary>
    public int MaxDelegationDepth { get; set; } = 8;

    /// <summary>How many children a job may start in its life (§10). Default 1,000; 0 or more.</summary>
    public int MaxChildrenPerJob { get; set; } = 1_000;

    /// <summary>How large one chunk of a streamed result may become, encoded, in bytes (§8.4). Default 256 KiB; 1 KiB to 1 MiB.</summary>
    public int MaxResultChunkBytes { get; set; } = 256 * 1024;

    /// <summary>How large a streamed result may become, decoded, in bytes (§8.4). Default 256 MiB; at least 1.</summary>
    public long MaxResultBytes { get; set; } = 256L * 1024 * 1024;

    internal TimeSpan EffectiveRetention => TerminalRetention ?? ResumeWindow;

    /// <summary>Lists what is wrong, each with what is accepted.</summary>
    internal IEnumerable<string> FindErrors()
    {
        (bool Holds, string Rule)[] rules =
        [
            (!string.IsNullOrWhiteSpace(Name), $"{nameof(Name)} must not be empty."),
            (!string.IsNullOrWhiteSpace(Version), $"{nameof(Version)} must not be empty."),
            (MaxFrameBytes is >= 1024 and <= 1 << 30, $"{nameof(MaxFrameBytes)} must be 1 KiB to 1 GiB."),
            (HandshakeTimeout > TimeSpan.Zero && HandshakeTimeout <= LongestWait, $"{nameof(HandshakeTimeout)} must be greater than 0 and at most 24 hours."),
            (HeartbeatInterval > TimeSpan.Zero, $"{nameof(HeartbeatInterval)} must be greater than 0."),
            (ResumeWindow >= TimeSpan.Zero, $"{nameof(ResumeWindow)} must be 0 or more."),
            (EffectiveRetention >= TimeSpan.Zero, $"{nameof(TerminalRetention)} must be 0 or more."),
            (CancelGrace >= TimeSpan.Zero && CancelGrace <= LongestWait, $"{nameof(CancelGrace)} must be 0 or more and at most 24 hours."),
            (ShutdownGrace >= TimeSpan.Zero && ShutdownGrace <= LongestWait, $"{nameof(ShutdownGrace)} must be 0 or more and at most 24 hours."),
            (Enum.IsDefined(RejectionFrames), $"{nameof(RejectionFrames)} must be one of {string.Join(", ", Enum.GetNames<RejectionFrames>())}."),
            (MaxUnwelcomedConnections >= 1, $"{nameof(MaxUnwelcomedConnections)} must be at least 1."),
            (MaxSessionsPerPrincipal >= 1, $"{nameof(MaxSessionsPerPrincipal)} must be at least 1."),
            (MaxRunningJobsPerPrincipal >= 1, $"{nameof(MaxRunningJobsPerPrincipal)} must be at least 1."),
            (MaxSubscriptionsPerSession >= 1, $"{nameof(MaxSubscriptionsPerSession)} must be at least 1."),
            (IdempotencyLifetime >= TimeSpan.FromHours(24), $"{nameof(IdempotencyLifetime)} must be at least 24 h."),
            (MaxLogEventsPerJob >= 1, $"{nameof(MaxLogEventsPerJob)} must be at least 1."),
            (MaxLogBytesPerJob >= 1, $"{nameof(MaxLogBytesPerJob)} must be at least 1."),
            (MaxLogBytes >= 1, $"{nameof(MaxLogBytes)} must be at least 1."),
            (MaxStall > TimeSpan.Zero, $"{nameof(MaxStall)} must be greater than 0."),
            (BackPressureThreshold >= 0, $"{nameof(BackPressureThreshold)} must be 0 or more."),
            (MaxHeldFramesPerSession >= 1, $"{nameof(MaxHeldFramesPerSession)} must be at least 1."),
            (MaxResultChunkBytes is >= 1024 and <= 1 << 20, $"{nameof(MaxResultChunkBytes)} must be 1 KiB to 1 MiB."),
            (MaxResultBytes >= 1, $"{nameof(MaxResultBytes)} must be at least 1."),
            (MaxDelegationDepth >= 0, $"{nameof(MaxDelegationDepth)} must be 0 or more."),
            (MaxChildrenPerJob >= 0, $"{nameof(MaxChildrenPerJob)} must be 0 or more."),
            (MaxHeldBytesPerSession >= 1, $"{nameof(MaxHeldBytesPerSession)} must be at least 1."),
            (Credentials is not null, $"{nameof(Credentials)} must not be null."),
            (Storage is not null, $"{nameof(Storage)} must not be null."),
        ];
        return rules.Where(rule => !rule.Holds).Select(rule => rule.Rule).Concat(Credentials?.FindErrors() ?? []).Concat(Storage?.FindErrors() ?? []);
    }

    private static string DefaultVersion()
    {
        string version = typeof(ArcpRuntimeOptions).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";
        int build = version.IndexOf('+', StringComparison.Ordinal);
        return build < 0 ? version : version[..build];
    }
}
