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
    public async Task<JobOutcome> RunAsync(Job job, CancellationToken cancellationToken)
    {
        AsyncServiceScope? scope = environment.Services.GetService(typeof(IServiceScopeFactory)) is IServiceScopeFactory factory ? factory.CreateAsyncScope() : null;
        IAgent? instance = null;
        try
        {
            AgentEnvironment own = scope is { } opened ? environment with { Services = opened.ServiceProvider } : environment;
            instance = agent.Create(own.Services);
            return await RunAsync(instance, new JobContext(job, own), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            await DisposeAsync(instance, scope).ConfigureAwait(false);
        }
    }

    private static async Task<JobOutcome> RunAsync(IAgent instance, JobContext context, CancellationToken cancellationToken)
    {
        try
        {
            return context.Conclude(await instance.RunAsync(context, cancellationToken).ConfigureAwait(false));
        }
        catch (Exception e) when (e is not (ArcpException or OperationCanceledException) && context.Translate(e) is { } told)
        {
            throw told;
        }
        finally
        {
            context.End();
        }
    }

    // The instance is ours, not the scope's: it goes first, while the services that it uses are still there.
    private static async ValueTask DisposeAsync(IAgent? instance, AsyncServiceScope? scope)
    {
        try
        {
            if (instance is IAsyncDisposable asynchronous)
            {
                await asynchronous.DisposeAsync().ConfigureAwait(false);
            }
            else
            {
                (instance as IDisposable)?.Dispose();
            }
        }
        finally
        {
            if (scope is { } opened)
            {
                await opened.DisposeAsync().ConfigureAwait(false);
            }
        }
    }
}
