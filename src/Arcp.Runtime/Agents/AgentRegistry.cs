using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using Arcp.Core;
using Arcp.Core.Messages;

namespace Arcp.Runtime.Agents;

/// <summary>The agents of a runtime; fixed when it is built.</summary>
internal sealed class AgentRegistry
{
    private readonly FrozenDictionary<string, VersionTable> _agents;

    /// <exception cref="InvalidOperationException">Two agents share name and version, or a name has two defaults.</exception>
    public AgentRegistry(IEnumerable<AgentDescriptor> agents)
    {
        _agents = agents.GroupBy(agent => agent.Name).ToFrozenDictionary(group => group.Key, group => new VersionTable(group));
        Offered = [.. _agents.OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => entry.Value.ToInfo(entry.Key))];
    }

    /// <summary>The agents as a welcome tells them (§6.2).</summary>
    public IReadOnlyList<AgentInfo> Offered { get; }

    /// <summary>Finds the agent that a submit names.</summary>
    public bool TryResolve(AgentReference name, [NotNullWhen(true)] out AgentDescriptor? agent, [NotNullWhen(false)] out ArcpException? error)
    {
        agent = null;
        error = null;
        if (!_agents.TryGetValue(name.Name, out VersionTable? versions))
        {
            error = new ArcpException(ErrorCode.AgentNotAvailable, $"There is no agent '{name.Name}'.");
        }
        else if (name.Version is null)
        {
            agent = versions.Default;
        }
        else if (!versions.ByVersion.TryGetValue(name.Version, out agent))
        {
            error = new ArcpException(
                ErrorCode.AgentVersionNotAvailable,
                $"Agent '{name.Name}' has no version '{name.Version}'; available are {string.Join(", ", versions.InOrder)}.");
        }

        return agent is not null;
    }

    private sealed class VersionTable
    {
        public VersionTable(IEnumerable<AgentDescriptor> agents)
        {
            AgentDescriptor[] all = [.. agents.OrderBy(agent => agent.Version, VersionOrder.Instance)];
            string name = all[0].Name;
            if (all.DistinctBy(agent => agent.Version).Count() != all.Length)
            {
                throw new InvalidOperationException($"Agent '{name}' is registered twice with the same version.");
            }

            if (all.Count(agent => agent.IsDefault) > 1)
            {
                throw new InvalidOperationException($"Agent '{name}' has more than one default version.");
            }

            InOrder = [.. all.Select(agent => agent.Version)];
            ByVersion = all.ToFrozenDictionary(agent => agent.Version);
            Default = Array.Find(all, agent => agent.IsDefault) ?? all[^1];
        }

        public IReadOnlyList<string> InOrder { get; }

        public FrozenDictionary<string, AgentDescriptor> ByVersion { get; }

        public AgentDescriptor Default { get; }

        public AgentInfo ToInfo(string name) => new() { Name = name, Versions = InOrder, Default = Default.Version };
    }
}
