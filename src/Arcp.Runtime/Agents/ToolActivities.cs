using System.Collections.Concurrent;
using System.Diagnostics;
using Arcp.Core;
using Arcp.Runtime.Diagnostics;

namespace Arcp.Runtime.Agents;

/// <summary>One activity per tool call of a job, from its call to its result (§11).</summary>
internal sealed class ToolActivities : IDisposable
{
    private readonly ConcurrentDictionary<string, Activity> _open = new();

    public void Begin(string callId, string tool)
    {
        if (ArcpTelemetry.Source.StartActivity("arcp.tool_call", ActivityKind.Internal) is { } activity)
        {
            activity.SetTag("arcp.tool", tool).SetTag("arcp.call.id", callId);
            if (!_open.TryAdd(callId, activity))
            {
                activity.Dispose();
            }
        }
    }

    public void End(string callId, ErrorCode? error)
    {
        if (_open.TryRemove(callId, out Activity? activity))
        {
            activity.SetStatus(error is null ? ActivityStatusCode.Ok : ActivityStatusCode.Error, error?.Value);
            activity.Dispose();
        }
    }

    /// <summary>Ends what the agent left open.</summary>
    public void Dispose()
    {
        foreach (string callId in _open.Keys)
        {
            End(callId, ErrorCode.Cancelled);
        }
    }
}
