using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Arcp.Core.Serialization;

/// <summary>Timestamps of §5: written in UTC with <c>Z</c> and at least milliseconds, read with any offset.</summary>
internal sealed class TimestampConverter : JsonConverter<DateTimeOffset>
{
    /// <summary>The longest text of a timestamp, read or written.</summary>
    public const int MaxLength = 40;

    private const string Accepted = "an ISO 8601 date and time with an offset, such as 2026-01-31T12:00:00.000Z";
    private const int LengthWithMilliseconds = 23; // 2026-01-31T12:00:00.000
    private const int ShortestInUtc = 17; // 2026-01-31T12:00Z
    private const int LongestInUtc = 28; // 2026-01-31T12:00:00.0000000Z

    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        TryRead(ref reader, out DateTimeOffset value) ? value : throw new PayloadFormatException(Accepted);

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options)
    {
        Span<byte> text = stackalloc byte[MaxLength];
        writer.WriteStringValue(text[..Format(value, text)]);
    }

    /// <summary>Reads a timestamp if the token is one.</summary>
    internal static bool TryRead(ref Utf8JsonReader reader, out DateTimeOffset value)
    {
        // The form that all write who know this protocol; the rest of what is accepted takes a closer look.
        if (reader is { TokenType: JsonTokenType.String, ValueIsEscaped: false, ValueSpan: { Length: >= ShortestInUtc and <= LongestInUtc } text }
            && text[^1] is (byte)'Z' && text[^2] is not (byte)'.' && reader.TryGetDateTimeOffset(out value))
        {
            return true;
        }

        return TryReadAny(ref reader, out value);
    }

    private static bool TryReadAny(ref Utf8JsonReader reader, out DateTimeOffset value)
    {
        value = default;
        return reader.TokenType is JsonTokenType.String && JsonTokens.TryGetString(ref reader, out string? text)
            && text.Length is >= 17 and <= MaxLength && HasOffset(text) && text[10] is 'T' or 't'
            && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.None, out value);
    }

    /// <summary>Writes the timestamp as UTF-8 without quotes.</summary>
    internal static int Format(DateTimeOffset value, Span<byte> destination)
    {
        value.UtcDateTime.TryFormat(destination, out int written, "O", CultureInfo.InvariantCulture);
        written--; // the Z, which moves up when zeros go
        while (written > LengthWithMilliseconds && destination[written - 1] == (byte)'0')
        {
            written--;
        }

        destination[written] = (byte)'Z';
        return written + 1;
    }

    // Without an offset the moment would depend on this machine's time zone.
    private static bool HasOffset(string text) =>
        text[^1] is 'Z' or 'z' || text[^6] is '+' or '-' || text[^3] is '+' or '-' || text[^5] is '+' or '-';
}
