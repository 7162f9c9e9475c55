using System.Text.Json;

namespace Arcp.Core;

/// <summary>Thrown by our converters; <see cref="Accepted"/> says what would have been accepted, in words fit for the peer.</summary>
internal sealed class PayloadFormatException(string accepted) : JsonException
{
    public string Accepted { get; } = accepted;
}
