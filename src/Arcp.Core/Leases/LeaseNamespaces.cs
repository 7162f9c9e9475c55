namespace Arcp.Core.Leases;

/// <summary>The namespaces of a lease (§9); beside them there are vendors' own, <c>x-vendor.&lt;name&gt;</c>.</summary>
public static class LeaseNamespaces
{
    /// <summary>Files and directories that may be read; targets are paths.</summary>
    public const string FsRead = "fs.read";

    /// <summary>Files and directories that may be written; targets are paths.</summary>
    public const string FsWrite = "fs.write";

    /// <summary>What may be fetched; targets are absolute URLs.</summary>
    public const string NetFetch = "net.fetch";

    /// <summary>Tools that may be called; targets are their names.</summary>
    public const string ToolCall = "tool.call";

    /// <summary>Agents that may be delegated to; targets are <c>name</c> or <c>name@version</c>.</summary>
    public const string AgentDelegate = "agent.delegate";

    /// <summary>What may be spent: its entries are amounts such as <c>USD:5.00</c> (§9.6).</summary>
    public const string CostBudget = "cost.budget";

    /// <summary>Models that may be used; targets are their names.</summary>
    public const string ModelUse = "model.use";
}
