using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Arcp.Client.Jobs;
using Arcp.Core;

namespace Arcp.Client;

/// <summary>What a successful job has returned: a JSON value, or a stream of text or bytes (§8.4).</summary>
/// <remarks>Immutable.</remarks>
public sealed class JobOutcome
{
    private readonly JobEnding _ending;

    internal JobOutcome(JobEnding ending) => _ending = ending;

    /// <summary>Whether the result came as a stream of chunks instead of one JSON value.</summary>
    public bool IsStreamed => _ending.IsStreamed;

    /// <summary>Whether it is text: JSON, or a stream whose chunks were all <c>utf8</c>.</summary>
    public bool IsText => !IsStreamed || _ending.IsText;

    /// <summary>A line for people, when the agent gave one.</summary>
    public string? Summary => _ending.Summary;

    /// <summary>The bytes: those of the stream as the agent wrote them, or the UTF-8 text of the JSON value.</summary>
    public ReadOnlyMemory<byte> Bytes => _ending.Streamed ?? _ending.Inline!.Utf8;

    /// <summary>The result as one JSON value. A stream becomes a JSON string: of its text, or of its bytes in base64, just as a runtime delivers it to clients that cannot take streams.</summary>
    public RawJson ToJson()
    {
        if (_ending.Inline is { } inline)
        {
            return inline;
        }

        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            if (IsText)
            {
                writer.WriteStringValue(Bytes.Span);
            }
            else
            {
                writer.WriteBase64StringValue(Bytes.Span);
            }
        }

        return RawJson.Parse(buffer.GetBuffer().AsSpan(0, (int)buffer.Length));
    }

    [RequiresUnreferencedCode("Uses reflection; pass a JsonTypeInfo when trimming.")]
    [RequiresDynamicCode("Uses reflection; pass a JsonTypeInfo under native AOT.")]
    internal T Read<T>(JsonSerializerOptions? options) =>
        TryReadStream(out T? value) ? value! : JsonSerializer.Deserialize<T>(Bytes.Span, options ?? JsonSerializerOptions.Web)!;

    internal T Read<T>(JsonTypeInfo<T> typeInfo) =>
        TryReadStream(out T? value) ? value! : JsonSerializer.Deserialize(Bytes.Span, typeInfo)!;

    // Text and bytes are taken as they are; any other type is what the stream spells out in JSON.
    private bool TryReadStream<T>(out T? value)
    {
        object? whole = !IsStreamed ? null
            : typeof(T) == typeof(string) ? Encoding.UTF8.GetString(Bytes.Span)
            : typeof(T) == typeof(byte[]) ? Bytes.ToArray()
            : typeof(T) == typeof(ReadOnlyMemory<byte>) ? Bytes
            : typeof(T) == typeof(RawJson) ? ToJson()
            : null;
        value = whole is null ? default : (T)whole;
        return whole is not null;
    }
}
