using Arcp.Core;
using Arcp.Runtime.Jobs;
using Microsoft.Extensions.DependencyInjection;

namespace Arcp.Runtime.Agents;

/// <summary>A registered agent: name, version and how an instance is made.</summary>
/// <param name="Name">The name (§7.5).</param>
/// <param name="Version">The version.</param>
/// <param name="IsDefault">Whether a bare name means this version.</param>
/// <param name="Create">Makes an instance from the job's service scope.</param>
internal sealed record AgentDescriptor(string Name, string Version, bool IsDefault, Func<IServiceProvider, IAgent> Create);

/// <summary>The work of a job: one instance of its agent in a service scope of its own.</summary>
internal sealed class AgentWork(AgentDescriptor agent, AgentEnvironment environment) : IJobWork
{
    public async Task<RawJson> RunAsync(Job job, CancellationToken cancellationToken)
    {
        AsyncServiceScope? scope = environment.Services.GetService(typeof(IServiceScopeFactory)) is IServiceScopeFactory factory ? factory.CreateAsyncScope() : null;
        try
        {
            IAgent instance = agent.Create(scope?.ServiceProvider ?? environment.Services);
            using var toolCalls = new ToolActivities();
            var context = new JobContext(job, environment, toolCalls);
            return await instance.RunAsync(context, cancellationToken).ConfigureAwait(false) ?? RawJson.Null;
        }
        finally
        {
            if (scope is { } created)
            {
                await created.DisposeAsync().ConfigureAwait(false);
            }
        }
    }
}
