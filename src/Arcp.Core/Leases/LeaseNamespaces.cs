namespace Arcp.Core.Leases;

/// <summary>The namespaces of §9. A vendor may add its own: <c>x-vendor.</c> and a name.</summary>
public static class LeaseNamespaces
{
    /// <summary>Reading files; targets are paths.</summary>
    public const string FsRead = "fs.read";

    /// <summary>Writing files; targets are paths.</summary>
    public const string FsWrite = "fs.write";

    /// <summary>Fetching over the network; targets are absolute URLs.</summary>
    public const string NetFetch = "net.fetch";

    /// <summary>Calling tools; targets are their names.</summary>
    public const string ToolCall = "tool.call";

    /// <summary>Delegating to agents (§10); targets are their names.</summary>
    public const string AgentDelegate = "agent.delegate";

    /// <summary>Budgets (§9.6): the patterns are amounts such as <c>USD:5.00</c>, and no operation is on a target of this namespace.</summary>
    public const string CostBudget = "cost.budget";

    /// <summary>Using models (§9.7); targets are their names.</summary>
    public const string ModelUse = "model.use";

    /// <summary>What the name of a vendor's namespace begins with.</summary>
    public const string VendorPrefix = "x-vendor.";

    /// <summary>What the targets of a namespace are.</summary>
    internal static TargetKind KindOf(string name) => name switch
    {
        FsRead or FsWrite => TargetKind.Path,
        NetFetch => TargetKind.Url,
        _ => TargetKind.Name,
    };
}
