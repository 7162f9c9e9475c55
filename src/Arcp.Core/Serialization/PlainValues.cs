using System.Text.Json;

namespace Arcp.Core.Serialization;

/// <summary>Reads the members of an object one by one. False = the value is not plainly what is wanted, or the member was there before.</summary>
internal static class PlainValues
{
    // Goes to the next member's value. A name with escapes is no name of ours.
    public static bool TryNextMember(ref Utf8JsonReader reader, out ReadOnlySpan<byte> name)
    {
        reader.Read();
        if (reader.TokenType is not JsonTokenType.PropertyName)
        {
            name = default;
            return false;
        }

        name = reader.ValueIsEscaped ? default : reader.ValueSpan;
        reader.Read();
        return true;
    }

    // The levels of §8.2 are not made anew for every line.
    public static bool TryReadLevel(ref Utf8JsonReader reader, ref string? level)
    {
        if (level is not null || reader.TokenType is not JsonTokenType.String || reader.ValueIsEscaped)
        {
            return false;
        }

        ReadOnlySpan<byte> text = reader.ValueSpan;
        level = text.SequenceEqual("info"u8) ? "info"
            : text.SequenceEqual("debug"u8) ? "debug"
            : text.SequenceEqual("warn"u8) ? "warn"
            : text.SequenceEqual("error"u8) ? "error"
            : null;
        return level is not null || TryReadText(ref reader, ref level);
    }

    public static bool TryReadText(ref Utf8JsonReader reader, ref string? text) =>
        text is null && reader.TokenType is JsonTokenType.String && JsonTokens.TryGetString(ref reader, out text);

    public static bool TryReadTruth(ref Utf8JsonReader reader, ref bool? truth)
    {
        if (truth is not null || reader.TokenType is not (JsonTokenType.True or JsonTokenType.False))
        {
            return false;
        }

        truth = reader.GetBoolean();
        return true;
    }

    public static bool TryReadNumber(ref Utf8JsonReader reader, ref double? number)
    {
        if (number is not null || reader.TokenType is not JsonTokenType.Number || !reader.TryGetDouble(out double value) || !double.IsFinite(value))
        {
            return false;
        }

        number = value;
        return true;
    }

    public static bool TryReadNumber(ref Utf8JsonReader reader, ref decimal? number)
    {
        if (number is not null || reader.TokenType is not JsonTokenType.Number || !reader.TryGetDecimal(out decimal value))
        {
            return false;
        }

        number = value;
        return true;
    }

    public static bool TryReadNumber(ref Utf8JsonReader reader, ref long? number)
    {
        if (number is not null || !JsonTokens.TryGetInteger(ref reader, out long value))
        {
            return false;
        }

        number = value;
        return true;
    }

    // The whole value. One that may be too deep is looked at by who counts: this reader may have begun at the payload, a level below the frame.
    public static bool TryReadRaw(ReadOnlySpan<byte> frame, ref Utf8JsonReader reader, ref RawJson? value)
    {
        int start = (int)reader.TokenStartIndex;
        int depth = reader.CurrentDepth;
        if (value is not null)
        {
            return false;
        }

        if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray)
        {
            while (reader.Read() && reader.CurrentDepth > depth)
            {
                if (reader.CurrentDepth >= WireJson.MaxDepth - 1)
                {
                    return false;
                }
            }
        }

        value = RawJson.FromTrusted(frame[start..(int)reader.BytesConsumed]);
        return true;
    }
}
