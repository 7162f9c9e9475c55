using System.Buffers;
using System.Globalization;
using System.Text;

namespace Arcp.Core.Leases;

/// <summary>Percent-encoding in its one normal form: as little as possible, in upper case, ASCII only.</summary>
internal static class UrlText
{
    public const string Malformed = "has a malformed percent-encoding or character";

    private const string UpperHex = "0123456789ABCDEF";

    // One UTF-16 unit becomes at most three bytes, one byte three characters.
    public static int Room(ReadOnlySpan<char> text) => Ascii.IsValid(text) ? text.Length + (2 * text.Count('%')) : 9 * text.Length;

    /// <summary>Writes a segment or a query; a '%' that encodes nothing stands for itself in a query and is malformed elsewhere.</summary>
    public static bool TryWrite(ReadOnlySpan<char> text, bool isQuery, Span<char> to, ref int length)
    {
        Span<byte> utf8 = stackalloc byte[4];
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (c == '%')
            {
                bool isEncoded = i + 2 < text.Length && char.IsAsciiHexDigit(text[i + 1]) && char.IsAsciiHexDigit(text[i + 2]);
                if (!isEncoded && !isQuery)
                {
                    return false;
                }

                WriteByte(isEncoded ? byte.Parse(text.Slice(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture) : (byte)'%', to, ref length);
                i += isEncoded ? 2 : 0;
            }
            else if (char.IsAscii(c))
            {
                to[length++] = c;
            }
            else if (Rune.DecodeFromUtf16(text[i..], out Rune rune, out int units) is OperationStatus.Done)
            {
                foreach (byte value in utf8[..rune.EncodeToUtf8(utf8)])
                {
                    WriteByte(value, to, ref length);
                }

                i += units - 1;
            }
            else
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Whether a reader that decodes once more, or cuts parameters off, would see a dot segment in a normal segment.</summary>
    public static bool HidesDots(ReadOnlySpan<char> segment)
    {
        int start = 0;
        for (int i = 0; i <= segment.Length; i++)
        {
            int width = i == segment.Length ? 1 : SeparatorWidth(segment[i..]);
            if (width == 0)
            {
                continue;
            }

            if (segment[start..i] is "." or "..")
            {
                return true;
            }

            start = i + width;
        }

        return false;
    }

    private static int SeparatorWidth(ReadOnlySpan<char> text) => text[0] switch
    {
        ';' => 1,
        '%' when text[..3] is "%2F" or "%5C" => 3,
        _ => 0,
    };

    // Only what needs no encoding anywhere is written as itself (RFC 3986 §2.3).
    private static void WriteByte(byte value, Span<char> to, ref int length)
    {
        char c = (char)value;
        if (char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_' or '~')
        {
            to[length++] = c;
            return;
        }

        to[length++] = '%';
        to[length++] = UpperHex[value >> 4];
        to[length++] = UpperHex[value & 15];
    }
}
