using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Arcp.Core.Serialization;

/// <summary>How JSON looks on the wire: the limits and the one configured context.</summary>
internal static class WireJson
{
    /// <summary>The depth limit of a frame (§4).</summary>
    public const int MaxDepth = 64;

    // Frames are never embedded in HTML, so only what JSON itself demands is escaped.
    public static JsonWriterOptions WriterOptions { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    public static ArcpJsonContext Context { get; } = new(new JsonSerializerOptions(ArcpJsonContext.Default.Options)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        AllowDuplicateProperties = false,
        TypeInfoResolver = null,
    });

    /// <summary>The contract of a type that occurs in a message.</summary>
    public static JsonTypeInfo? Contract(Type? type) => type is null ? null : ((IJsonTypeInfoResolver)Context).GetTypeInfo(type, Context.Options);
}
