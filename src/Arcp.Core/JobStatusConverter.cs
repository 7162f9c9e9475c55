using System.Text.Json;
using System.Text.Json.Serialization;

namespace Arcp.Core;

/// <summary>Reads and writes a <see cref="JobStatus"/>. Public for the JSON contracts that the compiler generates where it stands in a type of yours.</summary>
public sealed class JobStatusConverter : JsonConverter<JobStatus>
{
    /// <inheritdoc/>
    public override JobStatus Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType is JsonTokenType.String
            ? new JobStatus(reader.GetString()!)
            : throw new PayloadFormatException("a job status string");

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, JobStatus value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.Value);
}
