using System.Collections.Concurrent;
using System.Diagnostics;
using Arcp.Core;
using Arcp.Runtime.Diagnostics;

namespace Arcp.Runtime.Agents;

/// <summary>One activity per tool call of a job, from its call to its result (§11).</summary>
internal sealed class ToolActivities
{
    private readonly ConcurrentDictionary<string, Activity> _open = new();

    /// <summary>Starts an activity; null when nobody listens.</summary>
    public static Activity? Start(string callId, string tool) =>
        ArcpTelemetry.Source.StartActivity("arcp.tool_call", ActivityKind.Internal)?.SetTag("arcp.tool", tool).SetTag("arcp.call.id", callId);

    public void Begin(string callId, string tool)
    {
        if (Start(callId, tool) is { } activity && !_open.TryAdd(callId, activity))
        {
            activity.Dispose();
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
    public void EndAll()
    {
        foreach (string callId in _open.Keys)
        {
            End(callId, ErrorCode.Cancelled);
        }
    }
}
