using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Arcp.Core;
using Arcp.Core.Leases;

namespace Arcp.Runtime.Credentials.Http;

/// <summary>Says what bounds a key in the lease's names (§9.8).</summary>
internal static class KeyConstraints
{
    public static RawJson Of(CredentialRequest request, decimal? maxBudget, string currency)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            if (maxBudget is { } budget)
            {
                WriteList(writer, LeaseNamespaces.CostBudget, [string.Create(CultureInfo.InvariantCulture, $"{currency}:{budget}")]);
            }

            if (request.Lease.TryGetValue(LeaseNamespaces.ModelUse, out IReadOnlyList<string>? models))
            {
                WriteList(writer, LeaseNamespaces.ModelUse, models);
            }

            if (request.LeaseConstraints?.ExpiresAt is { } expiry)
            {
                writer.WriteString("expires_at", expiry.UtcDateTime);
            }

            writer.WriteEndObject();
        }

        return RawJson.Parse(buffer.WrittenSpan);
    }

    private static void WriteList(Utf8JsonWriter writer, string name, IReadOnlyList<string> values)
    {
        writer.WriteStartArray(name);
        foreach (string value in values)
        {
            writer.WriteStringValue(value);
        }

        writer.WriteEndArray();
    }
}
