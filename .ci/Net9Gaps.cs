#pragma warning disable CA1822 // an extension has no instance data

namespace System.Text.Json;

/// <summary>What the sources use of .NET 10 and .NET 9 lacks. For trying native AOT only: duplicate properties are accepted.</summary>
internal static class Net9Gaps
{
    extension(JsonElement)
    {
        public static JsonElement Parse(ReadOnlySpan<byte> utf8Json)
        {
            var reader = new Utf8JsonReader(utf8Json);
            return JsonElement.ParseValue(ref reader);
        }
    }

    extension(JsonSerializerOptions options)
    {
        public bool AllowDuplicateProperties
        {
            get => true;
            set { }
        }
    }
}
