using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Arcp.Core.Serialization;

/// <summary>Timestamps of §5: written in UTC with <c>Z</c> and at least milliseconds, read with any offset.</summary>
internal sealed class TimestampConverter : JsonConverter<DateTimeOffset>
{
    private const string Accepted = "an ISO 8601 date and time with an offset, such as 2026-01-31T12:00:00.000Z";
    private const int MaxLength = 40;

    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        string? text = reader.TokenType is JsonTokenType.String ? reader.GetString() : null;
        if (text is { Length: >= 17 and <= MaxLength } && HasOffset(text) && text.AsSpan(10, 1) is "T" or "t"
            && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.None, out DateTimeOffset value))
        {
            return value;
        }

        throw new PayloadFormatException(Accepted);
    }

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options)
    {
        Span<byte> text = stackalloc byte[MaxLength];
        writer.WriteStringValue(text[..Format(value, text)]);
    }

    /// <summary>Writes the timestamp as UTF-8 without quotes.</summary>
    internal static int Format(DateTimeOffset value, Span<byte> destination)
    {
        value.UtcDateTime.TryFormat(destination, out int written, "yyyy-MM-dd'T'HH:mm:ss.fffFFFF", CultureInfo.InvariantCulture);
        destination[written] = (byte)'Z';
        return written + 1;
    }

    // Without an offset the moment would depend on this machine's time zone.
    private static bool HasOffset(string text) =>
        text[^1] is 'Z' or 'z' || text[^6] is '+' or '-' || text[^3] is '+' or '-' || text[^5] is '+' or '-';
}
