using System.Net;
using Microsoft.Extensions.Logging;

namespace Arcp.AspNetCore;

/// <summary>All that the endpoint logs: 11xx, beside the runtime's sessions.</summary>
internal static partial class Log
{
    [LoggerMessage(1101, LogLevel.Information, "An upgrade from {RemoteAddress} to host '{Host}' with origin '{Origin}' was refused: {Reason}")]
    public static partial void UpgradeRefused(ILogger logger, IPAddress? remoteAddress, string? host, string? origin, string reason);
}
