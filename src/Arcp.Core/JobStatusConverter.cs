using System.Text.Json;
using System.Text.Json.Serialization;

namespace Arcp.Core;

internal sealed class JobStatusConverter : JsonConverter<JobStatus>
{
    public override JobStatus Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType is JsonTokenType.String
            ? new JobStatus(reader.GetString()!)
            : throw new PayloadFormatException("a job status string");

    public override void Write(Utf8JsonWriter writer, JobStatus value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.Value);
}
