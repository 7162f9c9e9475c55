namespace Arcp.EndToEnd.Tests.Support;

/// <summary>Which way bytes go.</summary>
internal enum Flow
{
    /// <summary>From the client to the runtime.</summary>
    Up,

    /// <summary>From the runtime to the client.</summary>
    Down,
}
