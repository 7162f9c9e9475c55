using System.Diagnostics;
using System.Net;
using System.Text.Json.Serialization.Metadata;
using Arcp.Runtime;

namespace Playground;

/// <summary><c>/healthz</c>, <c>/stats</c> and <c>/debug/credentials</c>.</summary>
internal static class Diagnostics
{
    public static void MapDiagnostics(this WebApplication app, DemonstrationCredentials? credentials)
    {
        app.MapGet("/healthz", static () => "ok");
        app.MapGet("/stats", static (HttpContext context, ArcpRuntime runtime) =>
            ForThisMachine(context, () => Measure(runtime, collect: context.Request.Query.ContainsKey("gc")), DiagnosticsJsonContext.Default.DictionaryStringInt64));
        app.MapGet("/debug/credentials", (HttpContext context) =>
            ForThisMachine(context, () => new CredentialCounts(credentials?.List() ?? []), DiagnosticsJsonContext.Default.CredentialCounts));
    }

    private static IResult ForThisMachine<T>(HttpContext context, Func<T> answer, JsonTypeInfo<T> typeInfo) => IsFromHere(context)
        ? Results.Json(answer(), typeInfo)
        : Results.Text("Only this machine may ask.", statusCode: StatusCodes.Status403Forbidden);

    private static bool IsFromHere(HttpContext context) =>
        context.Connection.RemoteIpAddress is { } address && IPAddress.IsLoopback(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address);

    private static Dictionary<string, long> Measure(ArcpRuntime runtime, bool collect)
    {
        if (collect)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            GC.Collect();
        }

        using Process process = Process.GetCurrentProcess();
        ArcpRuntimeStatistics statistics = runtime.GetStatistics();
        return new()
        {
            ["pid"] = Environment.ProcessId,
            ["managed_bytes"] = GC.GetTotalMemory(forceFullCollection: false),
            ["total_allocated"] = GC.GetTotalAllocatedBytes(),
            ["gen0"] = GC.CollectionCount(0),
            ["gen1"] = GC.CollectionCount(1),
            ["gen2"] = GC.CollectionCount(2),
            ["threads"] = process.Threads.Count,
            ["sessions"] = statistics.Sessions,
            ["connections"] = statistics.Connections,
            ["jobs"] = statistics.Jobs,
            ["jobs_running"] = statistics.RunningJobs,
            ["cpu_ms"] = (long)Environment.CpuUsage.TotalTime.TotalMilliseconds,
        };
    }
}
