using System.Text.Json;

namespace Arcp.Runtime.Agents;

/// <summary>What all agents of a runtime share.</summary>
/// <param name="Services">The host's services; empty without a container.</param>
/// <param name="JsonSerializerOptions">How typed inputs and results look; null = the web defaults.</param>
/// <param name="Clock">The runtime's clock.</param>
internal sealed record AgentEnvironment(IServiceProvider Services, JsonSerializerOptions? JsonSerializerOptions, TimeProvider Clock);
