using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Arcp.Core;

/// <summary>A JSON value that passes through unchanged: number spelling, member order and names are kept.</summary>
/// <remarks>Immutable. Line breaks between tokens are dropped, because a frame is one line on byte streams (§4).</remarks>
[JsonConverter(typeof(RawJsonConverter))]
public sealed class RawJson : IEquatable<RawJson>
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>How deep a value may be, so that the frame around it stays within the 64 levels of §4.</summary>
    public const int MaxDepth = 60;

    private readonly byte[] _utf8;

    private RawJson(byte[] utf8) => _utf8 = utf8;

    /// <summary>The JSON value <c>null</c>.</summary>
    public static RawJson Null { get; } = new("null"u8.ToArray());

    /// <summary>The value's UTF-8 text.</summary>
    public ReadOnlyMemory<byte> Utf8 => _utf8;

    /// <summary>Whether the value is <c>null</c>.</summary>
    public bool IsNull => _utf8.AsSpan().SequenceEqual("null"u8);

    /// <summary>Checks and copies a JSON text.</summary>
    /// <param name="utf8Json">One JSON value as UTF-8, at most 60 levels deep.</param>
    /// <exception cref="JsonException">The text is not one JSON value.</exception>
    public static RawJson Parse(ReadOnlySpan<byte> utf8Json)
    {
        if (!System.Text.Unicode.Utf8.IsValid(utf8Json))
        {
            throw new JsonException("The text is not valid UTF-8.");
        }

        var reader = new Utf8JsonReader(utf8Json, new JsonReaderOptions { MaxDepth = MaxDepth });
        reader.Read();
        int start = (int)reader.TokenStartIndex;
        reader.Skip();
        int end = (int)reader.BytesConsumed;
        reader.Read(); // throws when anything but white space follows
        return FromTrusted(utf8Json[start..end]);
    }

    /// <summary>Checks and copies a JSON text.</summary>
    /// <param name="json">One JSON value, at most 60 levels deep.</param>
    /// <exception cref="JsonException">The text is not one JSON value.</exception>
    public static RawJson Parse(string json)
    {
        try
        {
            return Parse(StrictUtf8.GetBytes(json));
        }
        catch (EncoderFallbackException)
        {
            throw new JsonException("The text is not valid Unicode.");
        }
    }

    /// <summary>Writes a value with the given contract; works under native AOT.</summary>
    /// <typeparam name="T">The value's type.</typeparam>
    /// <param name="value">The value.</param>
    /// <param name="typeInfo">How to write it.</param>
    /// <exception cref="JsonException">The value is nested more than 60 levels deep.</exception>
    public static RawJson From<T>(T value, JsonTypeInfo<T> typeInfo) =>
        FromUser(JsonSerializer.SerializeToUtf8Bytes(value, typeInfo));

    /// <summary>Writes a value with reflection.</summary>
    /// <typeparam name="T">The value's type.</typeparam>
    /// <param name="value">The value.</param>
    /// <param name="options">How to write it; null = <see cref="JsonSerializerOptions.Web"/>.</param>
    /// <exception cref="JsonException">The value is nested more than 60 levels deep.</exception>
    [RequiresUnreferencedCode("Uses reflection; pass a JsonTypeInfo when trimming.")]
    [RequiresDynamicCode("Uses reflection; pass a JsonTypeInfo under native AOT.")]
    public static RawJson From<T>(T value, JsonSerializerOptions? options = null) =>
        FromUser(JsonSerializer.SerializeToUtf8Bytes(value, options ?? JsonSerializerOptions.Web));

    /// <summary>Reads the value with the given contract; works under native AOT.</summary>
    /// <typeparam name="T">The type to read.</typeparam>
    /// <param name="typeInfo">How to read it.</param>
    /// <exception cref="JsonException">The value does not fit the type.</exception>
    public T? Deserialize<T>(JsonTypeInfo<T> typeInfo) => JsonSerializer.Deserialize(_utf8, typeInfo);

    /// <summary>Reads the value with reflection.</summary>
    /// <typeparam name="T">The type to read.</typeparam>
    /// <param name="options">How to read it; null = <see cref="JsonSerializerOptions.Web"/>.</param>
    /// <exception cref="JsonException">The value does not fit the type.</exception>
    [RequiresUnreferencedCode("Uses reflection; pass a JsonTypeInfo when trimming.")]
    [RequiresDynamicCode("Uses reflection; pass a JsonTypeInfo under native AOT.")]
    public T? Deserialize<T>(JsonSerializerOptions? options = null) =>
        JsonSerializer.Deserialize<T>(_utf8, options ?? JsonSerializerOptions.Web);

    /// <summary>Opens the value as a DOM.</summary>
    public JsonElement ToElement() => JsonElement.Parse(_utf8);

    /// <summary>Two values are equal when their texts are.</summary>
    /// <param name="other">The other value.</param>
    public bool Equals(RawJson? other) => other is not null && _utf8.AsSpan().SequenceEqual(other._utf8);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as RawJson);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = default;
        hash.AddBytes(_utf8);
        return hash.ToHashCode();
    }

    /// <summary>The value's JSON text.</summary>
    public override string ToString() => Encoding.UTF8.GetString(_utf8);

    /// <summary>Copies bytes that a JSON reader or writer has vouched for.</summary>
    internal static RawJson FromTrusted(ReadOnlySpan<byte> utf8) =>
        utf8.SequenceEqual("null"u8) ? Null : new(WithoutLineBreaks(utf8));

    // A peer closes the connection over a frame that is too deep (§4), so the value is refused before it gets into one.
    // Short texts cannot be that deep: each level has two brackets.
    private static RawJson FromUser(ReadOnlySpan<byte> utf8) =>
        utf8.Length <= MaxDepth * 2 ? FromTrusted(utf8) : Parse(utf8);

    // Inside JSON strings line breaks are escaped, so a raw one is always insignificant white space.
    private static byte[] WithoutLineBreaks(ReadOnlySpan<byte> utf8)
    {
        if (!utf8.ContainsAny((byte)'\n', (byte)'\r'))
        {
            return utf8.ToArray();
        }

        var kept = new byte[utf8.Length];
        int length = 0;
        foreach (byte b in utf8)
        {
            if (b is not ((byte)'\n' or (byte)'\r'))
            {
                kept[length++] = b;
            }
        }

        return kept[..length];
    }
}
