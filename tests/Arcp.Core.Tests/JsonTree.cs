using System.Text;
using System.Text.Json;

namespace Arcp.Core.Tests;

/// <summary>A JSON text in one canonical spelling: members sorted, escapes resolved, white space gone, but numbers spelled as they were.</summary>
internal static class JsonTree
{
    public static string Canonical(string json) => Canonical(Encoding.UTF8.GetBytes(json));

    public static string Canonical(ReadOnlySpan<byte> utf8)
    {
        var text = new StringBuilder();
        Append(JsonElement.Parse(utf8), text);
        return text.ToString();
    }

    private static void Append(JsonElement element, StringBuilder text)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                text.Append('{');
                foreach (JsonProperty property in element.EnumerateObject().OrderBy(p => p.Name, StringComparer.Ordinal))
                {
                    text.Append(JsonSerializer.Serialize(property.Name)).Append(':');
                    Append(property.Value, text);
                    text.Append(',');
                }

                text.Append('}');
                break;
            case JsonValueKind.Array:
                text.Append('[');
                foreach (JsonElement item in element.EnumerateArray())
                {
                    Append(item, text);
                    text.Append(',');
                }

                text.Append(']');
                break;
            case JsonValueKind.String:
                text.Append(JsonSerializer.Serialize(element.GetString()));
                break;
            default:
                text.Append(element.GetRawText());
                break;
        }
    }
}
