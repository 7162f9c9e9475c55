using System.Text.Json;
using System.Text.Json.Serialization;
using Arcp.Core.Events;
using Arcp.Core.Messages;

namespace Arcp.Core.Serialization;

/// <summary>Reads the body with the contract of its kind, wherever <c>kind</c> stands.</summary>
internal sealed class JobEventConverter : JsonConverter<JobEvent>
{
    public override JobEvent Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType is not JsonTokenType.StartObject)
        {
            throw new PayloadFormatException("an object");
        }

        string? kind = null;
        DateTimeOffset? ts = null;
        Utf8JsonReader body = default;
        bool hasBody = false;
        while (reader.Read() && reader.TokenType is JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("kind"u8))
            {
                reader.Read();
                kind = reader.TokenType is JsonTokenType.String ? reader.GetString() : null;
            }
            else if (reader.ValueTextEquals("ts"u8))
            {
                reader.Read();
                ts = TimestampConverter.TryRead(ref reader, out DateTimeOffset moment) ? moment : null; // an event is not lost over its time
            }
            else
            {
                bool isBody = reader.ValueTextEquals("body"u8);
                reader.Read();
                if (isBody)
                {
                    body = reader;
                    hasBody = true;
                }
            }

            reader.Skip();
        }

        if (string.IsNullOrEmpty(kind))
        {
            throw new PayloadFormatException("an event with a non-empty string 'kind'");
        }

        return new JobEvent { Ts = ts, Body = hasBody ? EventCatalog.Read(kind, body) : new RawEvent(kind, RawJson.Null) };
    }

    public override void Write(Utf8JsonWriter writer, JobEvent value, JsonSerializerOptions options) =>
        Write(writer, value.Ts, value.Body);

    /// <summary>Writes the payload of a <c>job.event</c>.</summary>
    internal static void Write(Utf8JsonWriter writer, DateTimeOffset? ts, EventBody body)
    {
        writer.WriteStartObject();
        writer.WriteString("kind"u8, body.Kind);
        if (ts is { } moment)
        {
            Span<byte> text = stackalloc byte[40];
            writer.WriteString("ts"u8, text[..TimestampConverter.Format(moment, text)]);
        }

        writer.WritePropertyName("body"u8);
        EventCatalog.Write(writer, body);
        writer.WriteEndObject();
    }
}
