using System.Text.Json;
using System.Text.Json.Nodes;

namespace Arcp.Runtime.Tests.Support;

/// <summary>A frame as it came off the wire.</summary>
public sealed record WireFrame(JsonObject Json, string Text)
{
    public string Type => (string)Json["type"]!;

    public string? Id => (string?)Json["id"];

    public string? SessionId => (string?)Json["session_id"];

    public string? JobId => (string?)Json["job_id"];

    public string? TraceId => (string?)Json["trace_id"];

    public long? EventSeq => (long?)Json["event_seq"];

    public JsonObject Payload => Json["payload"]!.AsObject();

    public string? Kind => (string?)Payload["kind"];

    public JsonObject Body => Payload["body"]!.AsObject();

    public string? Message => (string?)Payload["message"];

    /// <summary>The text of a member of the payload as it stands on the wire.</summary>
    public string Raw(string member)
    {
        using JsonDocument document = JsonDocument.Parse(Text);
        return document.RootElement.GetProperty("payload").GetProperty(member).GetRawText();
    }

    public string? Code => (string?)Payload["code"];

    public string? FinalStatus => (string?)Payload["final_status"];

    public bool IsTerminal => Type is "job.result" || (Type is "job.error" && JobId is not null);
}
