using System.Buffers;
using System.Text;
using System.Text.Json;
using Arcp.Core.Leases;

namespace Arcp.Runtime.Jobs;

/// <summary>A lease as the runtime's store keeps it: a JSON object.</summary>
internal static class LeaseText
{
    private const string Nothing = "{}";

    public static string From(Lease lease)
    {
        if (lease.Count == 0)
        {
            return Nothing;
        }

        var output = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(output))
        {
            writer.WriteStartObject();
            foreach ((string name, IReadOnlyList<string> patterns) in lease)
            {
                writer.WriteStartArray(name);
                foreach (string pattern in patterns)
                {
                    writer.WriteStringValue(pattern);
                }

                writer.WriteEndArray();
            }

            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(output.WrittenSpan);
    }

    public static Lease Parse(string text)
    {
        if (text == Nothing)
        {
            return Lease.Empty;
        }

        using var document = JsonDocument.Parse(text);
        return new Lease(document.RootElement.EnumerateObject().Select(
            member => KeyValuePair.Create<string, IReadOnlyList<string>>(member.Name, [.. member.Value.EnumerateArray().Select(pattern => pattern.GetString()!)])));
    }
}
