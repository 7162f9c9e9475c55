using System.Text.Json.Serialization;

namespace Arcp.Core.Events;

/// <summary>What a job did. The set is closed: one immutable record per event kind (§8.2), and <see cref="RawEvent"/> for all others.</summary>
public abstract record EventBody
{
    private protected EventBody()
    {
    }

    /// <summary>The kind as it stands on the wire, for example <c>tool_call</c>.</summary>
    [JsonIgnore]
    public abstract string Kind { get; }
}
