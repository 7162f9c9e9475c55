using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Arcp.Core.Leases;
using Arcp.Core.Messages;

namespace Arcp.Runtime.Idempotency;

/// <summary>What a submit asks for, as a SHA-256 of canonical JSON: member order, white space and number spelling do not count (§7.2).</summary>
internal readonly struct SubmitFingerprint : IEquatable<SubmitFingerprint>
{
    private readonly byte[] _hash;

    private SubmitFingerprint(byte[] hash) => _hash = hash;

    /// <summary>The hash.</summary>
    public ReadOnlyMemory<byte> Bytes => _hash;

    /// <summary>The fingerprint that <see cref="Bytes"/> gave.</summary>
    public static SubmitFingerprint FromBytes(ReadOnlyMemory<byte> bytes) => new(bytes.ToArray());

    public static SubmitFingerprint Of(JobSubmit submit)
    {
        var output = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(output, new JsonWriterOptions { SkipValidation = true }))
        {
            writer.WriteStartObject();
            writer.WriteString("agent", submit.Agent);
            writer.WritePropertyName("input");
            if (submit.Input is { } input)
            {
                CanonicalJson.Write(writer, input.ToElement());
            }
            else
            {
                writer.WriteNullValue();
            }

            writer.WriteStartObject("lease_request");
            foreach ((string name, IReadOnlyList<string> patterns) in (submit.LeaseRequest ?? Lease.Empty).OrderBy(entry => entry.Key, StringComparer.Ordinal))
            {
                writer.WriteStartArray(name);
                foreach (string pattern in patterns)
                {
                    writer.WriteStringValue(pattern);
                }

                writer.WriteEndArray();
            }

            writer.WriteEndObject();
            writer.WriteString("expires_at", submit.LeaseConstraints?.ExpiresAt?.UtcTicks.ToString(CultureInfo.InvariantCulture));
            writer.WriteString("max_runtime_sec", submit.MaxRuntimeSec?.ToString("R", CultureInfo.InvariantCulture));
            writer.WriteString("parent_job_id", submit.ParentJobId?.Value);
            writer.WriteEndObject();
        }

        return new SubmitFingerprint(SHA256.HashData(output.WrittenSpan));
    }

    public bool Equals(SubmitFingerprint other) => _hash.AsSpan().SequenceEqual(other._hash);

    public override bool Equals(object? obj) => obj is SubmitFingerprint other && Equals(other);

    public override int GetHashCode() => _hash is null ? 0 : BitConverter.ToInt32(_hash);

    public override string ToString() => Convert.ToHexString(_hash ?? []);
}
