using System.Diagnostics;
using System.Diagnostics.Metrics;
using Arcp.Core;

namespace Arcp.Runtime.Diagnostics;

/// <summary>The one activity source and the one meter, both named <c>Arcp</c> (§11).</summary>
internal static class ArcpTelemetry
{
    private const string Name = "Arcp";

    public static readonly ActivitySource Source = new(Name);

    private static readonly Meter Meter = new(Name);

    public static readonly UpDownCounter<long> Connections =
        Meter.CreateUpDownCounter<long>("arcp.connections", "{connection}", "Connections, welcomed or not.");

    public static readonly UpDownCounter<long> Sessions =
        Meter.CreateUpDownCounter<long>("arcp.sessions", "{session}", "Sessions, connected or waiting to be resumed.");

    public static readonly UpDownCounter<long> JobsRunning =
        Meter.CreateUpDownCounter<long>("arcp.jobs.running", "{job}", "Jobs that have not ended.");

    public static readonly Counter<long> JobsEnded =
        Meter.CreateCounter<long>("arcp.jobs.ended", "{job}", "Jobs that have ended, by status.");

    public static readonly Histogram<double> JobDuration =
        Meter.CreateHistogram<double>("arcp.job.duration", "s", "From a job's acceptance to its end, by status.");

    public static readonly Counter<long> EventsEmitted =
        Meter.CreateCounter<long>("arcp.events.emitted", "{event}", "Entries appended to jobs' logs.");

    public static readonly Counter<long> EventsDelivered =
        Meter.CreateCounter<long>("arcp.events.delivered", "{event}", "Numbered frames sent, replays included.");

    public static readonly Counter<long> EventsEvicted =
        Meter.CreateCounter<long>("arcp.events.evicted", "{event}", "Entries that went from jobs' logs because of a limit.");

    public static readonly UpDownCounter<long> BytesBuffered =
        Meter.CreateUpDownCounter<long>("arcp.log.bytes", "By", "Bytes in jobs' logs.");

    public static readonly Counter<long> FramesReceived =
        Meter.CreateCounter<long>("arcp.frames.received", "{frame}", "Frames received.");

    public static readonly Counter<long> FramesOut =
        Meter.CreateCounter<long>("arcp.frames.sent", "{frame}", "Frames sent.");

    public static readonly UpDownCounter<long> CredentialsOutstanding =
        Meter.CreateUpDownCounter<long>("arcp.credentials.outstanding", "{credential}", "Values of credentials that are lent or still have to be revoked.");

    public static readonly Counter<long> CredentialsRevoked =
        Meter.CreateCounter<long>("arcp.credentials.revoked", "{credential}", "Values of credentials that were revoked.");

    public static readonly Counter<long> CredentialDeadLetters =
        Meter.CreateCounter<long>("arcp.credentials.dead_letters", "{credential}", "Values of credentials whose revocation was given up.");

    /// <summary>Starts an activity in the trace that a client gave, or that was minted for it.</summary>
    public static Activity? Start(string name, TraceContext trace) =>
        Source.HasListeners() ? Source.StartActivity(name, ActivityKind.Server, ToParent(trace)) : null;

    // A bare trace id has no span; one made of the trace id itself stands for the caller's.
    private static ActivityContext ToParent(TraceContext trace)
    {
        string hex = trace.TraceId.ToHexString();
        ActivitySpanId parent = trace.ParentSpanId != default ? trace.ParentSpanId
            : ActivitySpanId.CreateFromString(hex.AsSpan(hex.AsSpan(16).ContainsAnyExcept('0') ? 16 : 0, 16));
        return new ActivityContext(trace.TraceId, parent, trace.IsSampled ? ActivityTraceFlags.Recorded : ActivityTraceFlags.None, isRemote: true);
    }
}
