using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Arcp.Core.Ids;
using Arcp.Core.Leases;

namespace Arcp.Core.Serialization;

/// <summary>Says in the protocol's own words which member of a payload is wrong and what is accepted there.</summary>
/// <remarks>Nothing of an exception's text or of a type's name gets through.</remarks>
internal static class PayloadErrorText
{
    private const int MaxPathLength = 120;

    public static string Describe(MessageCatalog.Entry entry, ReadOnlySpan<byte> payload, JsonException exception)
    {
        string path = MemberPath(exception.Path);
        if (path.Length == 0)
        {
            return FindMissing(entry.Contract, payload) is { } missing
                ? $"{entry.Name}: '{missing}' is required."
                : $"{entry.Name}: the payload is not what this type accepts{(exception is PayloadFormatException whole ? $"; accepted is {whole.Accepted}" : string.Empty)}.";
        }

        int end = path.AsSpan().IndexOfAny('.', '[');
        string member = end < 0 ? path : path[..end];
        if (CountMember(payload, member) > 1)
        {
            return $"{entry.Name}: '{member}' may be given only once.";
        }

        string? accepted = (exception as PayloadFormatException)?.Accepted ?? (end < 0 ? Accepted(entry.Contract, member) : null);
        return accepted is null
            ? $"{entry.Name}: '{path}' has a value that is not accepted there."
            : $"{entry.Name}: '{path}' must be {accepted}.";
    }

    // "$.lease_request" → "lease_request"
    private static string MemberPath(string? jsonPath)
    {
        string path = jsonPath is null ? string.Empty : jsonPath.TrimStart('$').TrimStart('.');
        return path.Length <= MaxPathLength ? path : string.Concat(path.AsSpan(0, MaxPathLength), "…");
    }

    private static string? FindMissing(JsonTypeInfo contract, ReadOnlySpan<byte> payload)
    {
        foreach (JsonPropertyInfo property in contract.Properties)
        {
            if (property.IsRequired && CountMember(payload, property.Name) == 0)
            {
                return property.Name;
            }
        }

        return null;
    }

    private static int CountMember(ReadOnlySpan<byte> payload, string name)
    {
        var reader = new Utf8JsonReader(payload, new JsonReaderOptions { MaxDepth = WireJson.MaxDepth });
        int count = 0;
        reader.Read();
        while (reader.Read() && reader.TokenType is JsonTokenType.PropertyName)
        {
            count += IsNamed(ref reader, name) ? 1 : 0;
            reader.Read();
            reader.Skip();
        }

        return count;
    }

    private static bool IsNamed(ref Utf8JsonReader reader, string name)
    {
        try
        {
            return reader.ValueTextEquals(name);
        }
        catch (InvalidOperationException)
        {
            return false; // half of a surrogate pair: no name of ours
        }
    }

    private static string? Accepted(JsonTypeInfo contract, string member)
    {
        JsonPropertyInfo? property = contract.Properties.FirstOrDefault(candidate => candidate.Name == member);
        Type? type = property is null ? null : Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        return type switch
        {
            null => null,
            _ when type == typeof(string) => "a string",
            _ when type == typeof(bool) => "true or false",
            _ when type == typeof(long) || type == typeof(int) => "an integer",
            _ when type == typeof(double) || type == typeof(decimal) => "a number",
            _ when type == typeof(JobId) || type == typeof(MessageId) => $"a string of 1 to {ArcpId.MaxLength} characters",
            _ when typeof(IReadOnlyList<string>).IsAssignableFrom(type) => "an array of strings",
            _ when type == typeof(Lease) => "an object of namespaces, each with an array of strings",
            _ => "an object",
        };
    }
}
