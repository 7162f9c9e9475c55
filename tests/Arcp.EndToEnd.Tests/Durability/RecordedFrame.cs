using System.Text.Json;

namespace Arcp.EndToEnd.Tests.Durability;

/// <summary>A frame as it came, with the bytes of its payload untouched.</summary>
internal sealed class RecordedFrame
{
    private RecordedFrame(string text, JsonElement json)
    {
        Text = text;
        Type = json.GetProperty("type").GetString()!;
        Id = Member(json, "id");
        JobId = Member(json, "job_id");
        Payload = json.GetProperty("payload").Clone();
        RequestId = Member(json, "request_id") ?? Member(Payload, "request_id");
        Seq = json.TryGetProperty("event_seq", out JsonElement seq) ? seq.GetInt64() : null;
    }

    public string Text { get; }

    public string Type { get; }

    public string? Id { get; }

    public string? JobId { get; }

    public string? RequestId { get; }

    public long? Seq { get; }

    public JsonElement Payload { get; }

    public string? Kind => Type == "job.event" ? Member(Payload, "kind") : null;

    public JsonElement Body => Payload.GetProperty("body");

    public string? Phase => Kind == "status" ? Member(Body, "phase") : null;

    public bool IsTerminal => Seq is not null && Type is "job.result" or "job.error";

    public static RecordedFrame Parse(string text)
    {
        using var json = JsonDocument.Parse(text);
        return new RecordedFrame(text, json.RootElement);
    }

    public static string? Member(JsonElement json, string name) =>
        json.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>Whether it is the same message: the same id, job and type, and the same bytes in the payload.</summary>
    public bool IsSameAs(RecordedFrame other) =>
        Id == other.Id && JobId == other.JobId && Type == other.Type && Payload.GetRawText() == other.Payload.GetRawText();
}
