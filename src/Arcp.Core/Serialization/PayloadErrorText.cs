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
        string path = exception.Path is { } jsonPath ? jsonPath.TrimStart('$').TrimStart('.') : string.Empty;
        string shown = path.Length <= MaxPathLength ? path : string.Concat(path.AsSpan(0, MaxPathLength), "…");
        var place = new Place(entry.Contract, payload);
        bool found = place.TryFollow(path);

        if (found && place.IsRepeated)
        {
            return $"{entry.Name}: '{shown}' may be given only once.";
        }

        if (found && place.FindMissing() is { } missing)
        {
            return $"{entry.Name}: '{(shown.Length == 0 ? missing : $"{shown}.{missing}")}' is required.";
        }

        string? accepted = (exception as PayloadFormatException)?.Accepted ?? (found && path.Length > 0 ? Accepted(place.Contract?.Type) : null);
        return (path.Length, accepted) switch
        {
            (0, null) => $"{entry.Name}: the payload is not what this type accepts.",
            (0, _) => $"{entry.Name}: the payload is not what this type accepts; accepted is {accepted}.",
            (_, null) => $"{entry.Name}: '{shown}' has a value that is not accepted there.",
            _ => $"{entry.Name}: '{shown}' must be {accepted}.",
        };
    }

    private static string? Accepted(Type? memberType)
    {
        Type? type = memberType is null ? null : Nullable.GetUnderlyingType(memberType) ?? memberType;
        return type switch
        {
            null => null,
            _ when type == typeof(string) => "a string",
            _ when type == typeof(bool) => "true or false",
            _ when type == typeof(long) || type == typeof(int) => "an integer",
            _ when type == typeof(double) || type == typeof(decimal) => "a number",
            _ when type == typeof(JobId) || type == typeof(MessageId) => $"a string of 1 to {ArcpId.MaxLength} characters",
            _ when type == typeof(IReadOnlyList<string>) => "an array of strings",
            _ when type == typeof(IReadOnlyDictionary<string, decimal>) => "an object of numbers",
            _ when type == typeof(Lease) => "an object of namespaces, each with an array of strings",
            _ when type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>) => "an array of objects",
            _ => "an object",
        };
    }

    /// <summary>A value inside a payload together with what is accepted there.</summary>
    private ref struct Place(JsonTypeInfo root, ReadOnlySpan<byte> payload)
    {
        private Utf8JsonReader _reader = At(payload);

        /// <summary>What is accepted here; null when that is not known.</summary>
        public JsonTypeInfo? Contract { get; private set; } = root;

        /// <summary>Whether the member is given more than once.</summary>
        public bool IsRepeated { get; private set; }

        /// <summary>Goes to a path as the serializer writes it: <c>jobs[0].job_id</c>.</summary>
        public bool TryFollow(ReadOnlySpan<char> path)
        {
            while (!path.IsEmpty)
            {
                path = path[0] is '.' ? path[1..] : path;
                int end = path[1..].IndexOfAny('.', '[') + 1;
                ReadOnlySpan<char> segment = end == 0 ? path : path[..end];
                path = path[segment.Length..];
                bool moved = segment[0] is not '['
                    ? TryEnterMember(segment)
                    : segment[^1] is ']' && int.TryParse(segment[1..^1], out int index) && TryEnterElement(index);
                if (!moved)
                {
                    return false; // such as ['a.b'], a name that no contract of ours has
                }
            }

            return true;
        }

        /// <summary>The first required member that an object does not have.</summary>
        public readonly string? FindMissing()
        {
            if (_reader.TokenType is not JsonTokenType.StartObject)
            {
                return null;
            }

            foreach (JsonPropertyInfo property in Contract?.Properties ?? [])
            {
                if (property.IsRequired && Count(property.Name, out _) == 0)
                {
                    return property.Name;
                }
            }

            return null;
        }

        private bool TryEnterMember(ReadOnlySpan<char> name)
        {
            string wanted = name.ToString();
            if (_reader.TokenType is not JsonTokenType.StartObject || Count(wanted, out Utf8JsonReader value) is var count && count == 0)
            {
                return false;
            }

            IsRepeated = count > 1;
            JsonPropertyInfo? property = Contract?.Properties.FirstOrDefault(candidate => candidate.Name == wanted);
            Contract = WireJson.Contract(property?.PropertyType ?? Contract?.ElementType);
            _reader = value;
            return true;
        }

        private bool TryEnterElement(int index)
        {
            if (_reader.TokenType is not JsonTokenType.StartArray)
            {
                return false;
            }

            while (_reader.Read() && _reader.TokenType is not JsonTokenType.EndArray)
            {
                if (index-- == 0)
                {
                    IsRepeated = false;
                    Contract = WireJson.Contract(Contract?.ElementType);
                    return true;
                }

                _reader.Skip();
            }

            return false;
        }

        private readonly int Count(string name, out Utf8JsonReader value)
        {
            value = default;
            byte[] utf8Name = System.Text.Encoding.UTF8.GetBytes(name);
            Utf8JsonReader reader = _reader;
            int count = 0;
            while (reader.Read() && reader.TokenType is JsonTokenType.PropertyName)
            {
                bool isIt = JsonTokens.TextEquals(ref reader, utf8Name);
                reader.Read();
                if (isIt)
                {
                    value = reader;
                    count++;
                }

                reader.Skip();
            }

            return count;
        }

        private static Utf8JsonReader At(ReadOnlySpan<byte> payload)
        {
            var reader = new Utf8JsonReader(payload, new JsonReaderOptions { MaxDepth = WireJson.MaxDepth });
            reader.Read();
            return reader;
        }
    }
}
