using System.Globalization;
using Arcp.Runtime;

namespace Arcp.Benchmarks.Server;

/// <summary><c>/control/…</c>: what the load generator asks of the server beside the load.</summary>
internal static class ControlEndpoints
{
    public static void MapControl(this WebApplication app)
    {
        app.MapGet("/control/stats", static (HttpContext context, ArcpRuntime runtime, StartGate gate, PeakMemory peak) =>
        {
            if (context.Request.Query.ContainsKey("gc"))
            {
                Collect();
            }

            return Results.Json(Measure(runtime, gate, peak));
        });
        app.MapPost("/control/open", static (StartGate gate) => gate.Open());
        app.MapPost("/control/peak/start", static (PeakMemory peak) => peak.Start());
        app.MapPost("/control/peak/stop", static (PeakMemory peak) => peak.Stop());
        app.MapPost("/control/leap", static (HttpContext context, LeapingClock clock) =>
            clock.Leap(TimeSpan.FromSeconds(double.Parse(context.Request.Query["seconds"]!, CultureInfo.InvariantCulture))).ToString("R", CultureInfo.InvariantCulture));
    }

    private static void Collect()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }

    private static ServerStatistics Measure(ArcpRuntime runtime, StartGate gate, PeakMemory peak)
    {
        ArcpRuntimeStatistics statistics = runtime.GetStatistics();
        return new ServerStatistics
        {
            Allocated = GC.GetTotalAllocatedBytes(precise: true),
            Managed = GC.GetTotalMemory(forceFullCollection: false),
            PeakManaged = peak.Peak,
            Resident = Environment.WorkingSet,
            CpuSeconds = Environment.CpuUsage.TotalTime.TotalSeconds,
            Jobs = statistics.Jobs,
            Sessions = statistics.Sessions,
            LogBytes = statistics.BufferedBytes,
            Waiting = gate.Waiting,
        };
    }
}
