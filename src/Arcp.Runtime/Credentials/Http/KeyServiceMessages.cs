using System.Text.Json.Serialization;

namespace Arcp.Runtime.Credentials.Http;

/// <summary>The body of <c>POST /key/generate</c>.</summary>
internal sealed record GenerateKeyRequest
{
    public decimal? MaxBudget { get; init; }

    /// <summary>Null = all; the service takes an empty list for all as well.</summary>
    public IReadOnlyList<string>? Models { get; init; }

    public string? Duration { get; init; }

    public required IReadOnlyDictionary<string, string> Metadata { get; init; }
}

/// <summary>What of its answer is used.</summary>
internal sealed record GenerateKeyResponse
{
    public string? Key { get; init; }

    public string? Token { get; init; }

    public string? TokenId { get; init; }
}

/// <summary>The body of <c>POST /key/delete</c>.</summary>
internal sealed record DeleteKeysRequest(IReadOnlyList<string> Keys);

/// <summary>The source-generated contracts of both.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(GenerateKeyRequest))]
[JsonSerializable(typeof(GenerateKeyResponse))]
[JsonSerializable(typeof(DeleteKeysRequest))]
internal sealed partial class KeyServiceJsonContext : JsonSerializerContext;
