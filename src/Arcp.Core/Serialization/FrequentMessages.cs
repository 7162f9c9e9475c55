using System.Text.Json;
using Arcp.Core.Messages;

namespace Arcp.Core.Serialization;

/// <summary>Writes the messages that runtimes send in large numbers as their contracts would, member by member, in less time.</summary>
internal static class FrequentMessages
{
    /// <summary>Writes a payload.</summary>
    /// <returns>False, and nothing is written, when its contract has to.</returns>
    public static bool TryWrite(Utf8JsonWriter writer, ArcpMessage message)
    {
        // A job that may do nothing of its own.
        if (message is not JobAccepted
            {
                JobId: { } jobId, Agent: { } agent, Lease.Count: 0, Budget: null or { Count: 0 }, AcceptedAt: { } acceptedAt, TraceId: { } traceId,
                LeaseConstraints: null, Credentials: null, ParentJobId: null, RequestId: null, DelegateId: null,
            } accepted)
        {
            return false;
        }

        writer.WriteStartObject();
        writer.WriteString("job_id"u8, jobId.Value);
        writer.WriteString("agent"u8, agent);
        WriteEmpty(writer, "lease"u8);
        if (accepted.Budget is not null)
        {
            WriteEmpty(writer, "budget"u8);
        }

        Span<byte> text = stackalloc byte[TimestampConverter.MaxLength];
        writer.WriteString("accepted_at"u8, text[..TimestampConverter.Format(acceptedAt, text)]);
        writer.WriteString("trace_id"u8, traceId);
        writer.WriteEndObject();
        return true;
    }

    private static void WriteEmpty(Utf8JsonWriter writer, ReadOnlySpan<byte> name)
    {
        writer.WriteStartObject(name);
        writer.WriteEndObject();
    }
}
