using Arcp.Core;
using Arcp.Runtime.Jobs;

namespace Arcp.Runtime.Agents;

/// <summary>The work of a job: one instance of its agent with the job's input. Nobody holds it once the agent has returned, so a job that is retained holds no input.</summary>
internal sealed class AgentWork(AgentDescriptor agent, AgentEnvironment environment, RawJson input) : IJobWork
{
    public async ValueTask<JobOutcome> RunAsync(Job job, CancellationToken cancellationToken)
    {
        var scope = new JobScope(environment.Services);
        IAgent? instance = null;
        try
        {
            instance = agent.Create(scope);
            return await RunAsync(instance, new JobContext(job, environment, scope, input), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            await DisposeAsync(instance, scope).ConfigureAwait(false);
        }
    }

    private static async ValueTask<JobOutcome> RunAsync(IAgent instance, JobContext context, CancellationToken cancellationToken)
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
    private static async ValueTask DisposeAsync(IAgent? instance, JobScope scope)
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
            await scope.DisposeAsync().ConfigureAwait(false);
        }
    }
}
