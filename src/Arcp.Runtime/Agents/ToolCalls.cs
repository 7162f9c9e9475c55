using System.Diagnostics;
using Arcp.Core;
using Arcp.Core.Events;
using Arcp.Core.Ids;
using Arcp.Core.Leases;
using Arcp.Runtime.Diagnostics;
using Arcp.Runtime.Jobs;

namespace Arcp.Runtime.Agents;

/// <summary>Calls tools for a job: announced, guarded before the side effect, told how they went, one activity each (§8.2, §9, §11).</summary>
internal sealed class ToolCalls(Job job, JobAuthority authority, AgentEnvironment environment)
{
    /// <summary>Calls a tool.</summary>
    /// <exception cref="ArcpException">The lease denies it, or the tool failed with this error.</exception>
    public async Task<TResult> CallAsync<TResult>(string tool, RawJson? args, Func<CancellationToken, Task<TResult>> body, Func<TResult, RawJson> write)
    {
        string callId = Ulid.MintWithPrefix("call_", environment.Clock.GetUtcNow());
        using Activity? activity = ToolActivities.Start(callId, tool);
        await job.EmitAsync(new ToolCallEvent { Tool = tool, Args = args, CallId = callId }).ConfigureAwait(false);
        TResult result;
        RawJson shown;
        try
        {
            authority.Require(LeaseNamespaces.ToolCall, tool);
            result = await body(job.Stopping).ConfigureAwait(false);
            shown = write(result);
        }
        catch (OperationCanceledException) when (job.Stopping.IsCancellationRequested)
        {
            activity?.SetStatus(ActivityStatusCode.Error, ErrorCode.Cancelled.Value);
            job.TryEmitNow(ToolResultEvent.OfError(callId, new ArcpException(ErrorCode.Cancelled, "The job is being stopped."))); // told within a grace only
            throw;
        }
        catch (Exception e)
        {
            ArcpException? told = authority.Translate(e);
            ArcpException error = told ?? Unexpected(tool, e);
            activity?.SetStatus(ActivityStatusCode.Error, error.Code.Value);
            await job.EmitAsync(ToolResultEvent.OfError(callId, error)).ConfigureAwait(false);
            authority.EndIfFatal(error);
            if (told is null || told == e)
            {
                throw;
            }

            throw told;
        }

        await job.EmitAsync(new ToolResultEvent { CallId = callId, Result = shown }).ConfigureAwait(false);
        activity?.SetStatus(ActivityStatusCode.Ok);
        return result;
    }

    // What a tool throws may say too much for the peer (§12): it stays in the log.
    private ArcpException Unexpected(string tool, Exception exception)
    {
        Log.ToolFailed(environment.Logger, job.Spec.Id, tool, exception);
        return new ArcpException(ErrorCode.InternalError, "The tool failed.");
    }
}
