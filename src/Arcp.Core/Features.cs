namespace Arcp.Core;

/// <summary>The optional parts of the protocol that a session negotiates (§6.2).</summary>
[Flags]
public enum Features
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary><c>heartbeat</c>: the runtime pings an idle session (§6.4).</summary>
    Heartbeat = 1 << 0,

    /// <summary><c>ack</c>: the client acknowledges what it has processed (§6.5).</summary>
    Ack = 1 << 1,

    /// <summary><c>list_jobs</c>: <c>session.list_jobs</c> (§6.6).</summary>
    ListJobs = 1 << 2,

    /// <summary><c>subscribe</c>: <c>job.subscribe</c> (§7.6).</summary>
    Subscribe = 1 << 3,

    /// <summary><c>lease_expires_at</c>: leases that expire (§9.5).</summary>
    LeaseExpiresAt = 1 << 4,

    /// <summary><c>cost.budget</c>: leases with budgets (§9.6).</summary>
    CostBudget = 1 << 5,

    /// <summary><c>model.use</c>: leases that name models (§9.7).</summary>
    ModelUse = 1 << 6,

    /// <summary><c>provisioned_credentials</c>: credentials lent to jobs (§9.8).</summary>
    ProvisionedCredentials = 1 << 7,

    /// <summary><c>progress</c>: the event kind of that name (§8.2).</summary>
    Progress = 1 << 8,

    /// <summary><c>result_chunk</c>: streamed results (§8.4).</summary>
    ResultChunk = 1 << 9,

    /// <summary><c>agent_versions</c>: agents are named <c>name@version</c> (§7.5).</summary>
    AgentVersions = 1 << 10,
}

/// <summary>The wire names of <see cref="Features"/>.</summary>
public static class FeatureNames
{
    private static readonly (string Name, Features Feature)[] Table =
    [
        ("heartbeat", Features.Heartbeat),
        ("ack", Features.Ack),
        ("list_jobs", Features.ListJobs),
        ("subscribe", Features.Subscribe),
        ("lease_expires_at", Features.LeaseExpiresAt),
        ("cost.budget", Features.CostBudget),
        ("model.use", Features.ModelUse),
        ("provisioned_credentials", Features.ProvisionedCredentials),
        ("progress", Features.Progress),
        ("result_chunk", Features.ResultChunk),
        ("agent_versions", Features.AgentVersions),
    ];

    /// <summary>All features of ARCP 1.1.</summary>
    public static Features All { get; } = Table.Aggregate(Features.None, (all, entry) => all | entry.Feature);

    /// <summary>Turns wire names into features; unknown names are ignored (§6.2).</summary>
    /// <param name="names">The names; null counts as none.</param>
    public static Features Parse(IEnumerable<string>? names)
    {
        Features features = Features.None;
        foreach (string name in names ?? [])
        {
            features |= Array.Find(Table, entry => entry.Name == name).Feature;
        }

        return features;
    }

    /// <summary>Turns features into wire names, in the order of the protocol's list.</summary>
    /// <param name="features">The features.</param>
    public static IReadOnlyList<string> ToNames(this Features features) =>
        [.. Table.Where(entry => features.HasFlag(entry.Feature)).Select(entry => entry.Name)];
}
