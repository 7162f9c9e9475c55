using Arcp.Core.Events;
using Arcp.Core.Serialization;

namespace Arcp.Runtime.Agents;

/// <summary>What an agent's events have to obey beyond their types (§8.2).</summary>
internal static class EventRules
{
    /// <summary>What is wrong with an event, and what is accepted; null = nothing.</summary>
    public static string? FindError(EventBody body) => body switch
    {
        RawEvent raw when !EventKinds.IsVendor(raw.Kind) => $"'{raw.Kind}' is not a vendor's kind; accepted are {RawEvent.VendorPrefix}<name>.",
        ResultChunkEvent => $"Chunks of a result are emitted by {nameof(JobContext.OpenResultStream)}.",
        ProgressEvent { Current: var current } when !double.IsFinite(current) || current < 0 => "'current' must be a finite number of at least 0.",
        ProgressEvent { Total: { } total } when !double.IsFinite(total) || total < 0 => "'total' must be a finite number of at least 0.",
        ToolResultEvent { Result: null, Error: null } or ToolResultEvent { Result: not null, Error: not null } => "A tool result has either a result or an error.",
        LogEvent { Level: "" } => "'level' must not be empty.",
        ArtifactRefEvent { ByteSize: < 0 } => "'byte_size' must be at least 0.",
        _ => null,
    };
}
