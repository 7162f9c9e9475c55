using Arcp.Runtime.Authentication;
using Microsoft.AspNetCore.Http;

namespace Arcp.AspNetCore;

/// <summary>What an authenticator can learn of a connection that came over HTTP.</summary>
public static class ArcpConnectionContextExtensions
{
    private const string Key = "Microsoft.AspNetCore.Http.HttpContext";

    /// <summary>The request that became the connection: its headers, client certificate, user. Valid as long as the connection.</summary>
    /// <param name="connection">The connection.</param>
    /// <returns>The request; null when the connection did not come over HTTP.</returns>
    public static HttpContext? GetHttpContext(this ConnectionContext connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        return connection.Properties is { } properties && properties.TryGetValue(Key, out object? context) ? context as HttpContext : null;
    }

    internal static IReadOnlyDictionary<string, object?> PropertiesFor(HttpContext context) => new Dictionary<string, object?> { [Key] = context };
}
