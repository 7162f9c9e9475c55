using System.Collections.Frozen;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Arcp.Core.Events;

namespace Arcp.Core.Serialization;

/// <summary>The one table of event kinds: wire name, contract, and the feature a session needs to receive it.</summary>
internal static class EventCatalog
{
    private static readonly FrozenDictionary<string, Entry> ByKind = new Entry[]
    {
        new("log", WireJson.Context.LogEvent, Features.None),
        new("thought", WireJson.Context.ThoughtEvent, Features.None),
        new("tool_call", WireJson.Context.ToolCallEvent, Features.None),
        new("tool_result", WireJson.Context.ToolResultEvent, Features.None),
        new("status", WireJson.Context.StatusEvent, Features.None),
        new("metric", WireJson.Context.MetricEvent, Features.None),
        new("artifact_ref", WireJson.Context.ArtifactRefEvent, Features.None),
        new("delegate", WireJson.Context.DelegateEvent, Features.None),
        new("progress", WireJson.Context.ProgressEvent, Features.Progress),
        new("result_chunk", WireJson.Context.ResultChunkEvent, Features.ResultChunk),
    }.ToFrozenDictionary(entry => entry.Kind);

    /// <summary>The feature that a session needs to receive the kind.</summary>
    public static Features RequiredFeature(string kind) =>
        ByKind.TryGetValue(kind, out Entry? entry) ? entry.Feature : Features.None;

    /// <summary>Whether the protocol defines the kind.</summary>
    public static bool IsDefined(string kind) => ByKind.ContainsKey(kind);

    /// <summary>Reads a body; one that is not what its kind says is kept raw, so that no event is lost.</summary>
    public static EventBody Read(string kind, Utf8JsonReader reader)
    {
        if (ByKind.TryGetValue(kind, out Entry? entry))
        {
            Utf8JsonReader attempt = reader;
            try
            {
                if (JsonSerializer.Deserialize(ref attempt, entry.Contract) is EventBody body && Checked(body) is { } valid)
                {
                    return valid;
                }
            }
            catch (JsonException)
            {
                // The body is kept as it is below.
            }
        }

        return new RawEvent(kind, JsonSerializer.Deserialize(ref reader, WireJson.Context.RawJson) ?? RawJson.Null);
    }

    // The rules of §8.2 that types do not say. Null = the body is not what its kind says.
    private static EventBody? Checked(EventBody body) => body switch
    {
        ToolResultEvent { Result: null, Error: null } => null,
        ToolResultEvent { Result.IsNull: true, Error: not null } failed => failed with { Result = null },
        ToolResultEvent { Result: not null, Error: not null } => null,
        ProgressEvent { Current: < 0 } => null,
        _ => body,
    };

    /// <summary>The same as <see cref="PayloadStart"/>, of <c>result_chunk</c>.</summary>
    public static byte[] ResultChunkStart { get; } = ByKind["result_chunk"].PayloadStart;

    /// <summary>The part of a <c>job.event</c>'s payload between its start and the event's time: <c>{"kind":"…","ts":"</c>. Null = no kind of the protocol.</summary>
    public static byte[]? PayloadStart(EventBody body) =>
        body is not RawEvent && ByKind.TryGetValue(body.Kind, out Entry? entry) ? entry.PayloadStart : null;

    /// <summary>Writes a body.</summary>
    public static void Write(Utf8JsonWriter writer, EventBody body)
    {
        if (body is RawEvent raw)
        {
            writer.WriteRawValue(raw.Body.Utf8.Span, skipInputValidation: true);
        }
        else if (!FrequentEvents.TryWrite(writer, body))
        {
            JsonSerializer.Serialize(writer, body, ByKind[body.Kind].Contract);
        }
    }

    private sealed record Entry(string Kind, JsonTypeInfo Contract, Features Feature)
    {
        public byte[] PayloadStart { get; } = Encoding.UTF8.GetBytes($"{{\"kind\":\"{Kind}\",\"ts\":\"");
    }
}
