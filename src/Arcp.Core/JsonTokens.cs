using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Arcp.Core;

/// <summary>Reads the text of tokens that need not be text at all: a JSON escape may name half a surrogate pair, and a header is also wanted of a frame that is not valid UTF-8.</summary>
internal static class JsonTokens
{
    /// <summary>Compares a name or string; one that is not Unicode text equals nothing.</summary>
    public static bool TextEquals(ref Utf8JsonReader reader, ReadOnlySpan<byte> utf8Text)
    {
        if (!reader.ValueIsEscaped)
        {
            return reader.ValueTextEquals(utf8Text);
        }

        try
        {
            return reader.ValueTextEquals(utf8Text);
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>Reads a name or string.</summary>
    /// <returns>False when it is not Unicode text.</returns>
    public static bool TryGetString(ref Utf8JsonReader reader, [NotNullWhen(true)] out string? text)
    {
        try
        {
            text = reader.GetString()!;
            return true;
        }
        catch (InvalidOperationException)
        {
            text = null;
            return false;
        }
    }

    /// <summary>Reads an integer; a number is its value, so <c>1.0</c> and <c>1e2</c> are integers too.</summary>
    public static bool TryGetInteger(ref Utf8JsonReader reader, out long value)
    {
        value = 0;
        if (reader.TokenType is not JsonTokenType.Number)
        {
            return false;
        }

        if (reader.TryGetInt64(out value))
        {
            return true;
        }

        if (reader.TryGetDecimal(out decimal number) && number == decimal.Truncate(number) && number is >= long.MinValue and <= long.MaxValue)
        {
            value = (long)number;
            return true;
        }

        return false;
    }
}
