using System.Text.Json;
using System.Text.Json.Serialization;

namespace Playground;

/// <summary>How <c>/stats</c> and <c>/debug/credentials</c> are written.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(Dictionary<string, long>))]
[JsonSerializable(typeof(CredentialCounts))]
internal sealed partial class DiagnosticsJsonContext : JsonSerializerContext;
